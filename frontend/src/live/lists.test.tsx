import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { beforeEach, expect, it, vi } from "vitest";

import { keys } from "@/api/keys";
import { anAlert } from "@/testing/cast";

import { useAlertList } from "./lists";

const asked: URLSearchParams[] = [];
const total = 500;

/** A server with five hundred alerts, whose cursors are offsets. */
function serve(request: Request): Promise<Response> {
  const query = new URL(request.url).searchParams;
  asked.push(query);
  const start = Number(query.get("cursor") ?? 0);
  const end = Math.min(total, start + Number(query.get("limit")));
  const rows = Array.from({ length: end - start }, (_, n) =>
    anAlert({ id: `alert-${String(9999 - start - n)}` }),
  );
  const headers = end < total ? { Link: `</api/alerts?cursor=${end}>; rel="next"` } : undefined;
  return Promise.resolve(Response.json(rows, headers ? { headers } : {}));
}

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", serve);
  return () => vi.unstubAllGlobals();
});

it("reads a list anew as far as it had been read, so that nobody far down loses their place", async () => {
  const cache = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={cache}>{children}</QueryClientProvider>
  );
  const { result } = renderHook(() => useAlertList({}), { wrapper });
  await waitFor(() => expect(result.current.rows).toHaveLength(200));
  act(() => result.current.more());
  await waitFor(() => expect(result.current.rows).toHaveLength(400));
  await act(() => cache.invalidateQueries({ queryKey: keys.alertLists }));
  await waitFor(() => expect(asked).toHaveLength(3));
  expect(asked.map((query) => [query.get("limit"), query.get("cursor")])).toEqual([
    ["200", null],
    ["200", "200"],
    ["400", null],
  ]);
  expect(result.current.rows).toHaveLength(400);
  act(() => result.current.more());
  await waitFor(() => expect(result.current.rows).toHaveLength(total));
  expect(result.current.hasMore).toBe(false);
});
