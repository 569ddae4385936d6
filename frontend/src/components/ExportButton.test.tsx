import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Page } from "@/api/client";
import type { CsvColumn } from "@/lib/csv";
import { toasts } from "@/lib/toasts";

import { ExportButton } from "./ExportButton";

const columns: CsvColumn<string>[] = [["name", (row) => row]];
const aPage = (rows: string[], next: string | null): Page<string> => ({ rows, next, cursors: {} });

describe("the export of a list", () => {
  const saved: Blob[] = [];

  beforeEach(() => {
    saved.length = 0;
    toasts.set([]);
    URL.createObjectURL = (blob) => saved.push(blob as Blob).toString();
    URL.revokeObjectURL = () => undefined;
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  });
  afterEach(cleanup);

  it("saves every page, in order, and says how many rows", async () => {
    const pages = (cursor?: string) =>
      Promise.resolve(cursor ? aPage(["=two"], null) : aPage(["one"], "behind one"));
    render(<ExportButton name="alerts" pages={pages} columns={columns} />);
    await userEvent.click(screen.getByRole("button", { name: "Export CSV" }));
    await screen.findByRole("button", { name: "Export CSV" });
    expect(await saved[0]?.text()).toContain("name\r\none\r\n'=two\r\n");
    expect(toasts.get().map((each) => each.text)).toEqual(["2 rows exported"]);
  });

  it("shows how far it is, and saves nothing when it is cancelled", async () => {
    const pages = (cursor: string | undefined, signal: AbortSignal) =>
      cursor === undefined
        ? Promise.resolve(aPage(["one"], "behind one"))
        : new Promise<Page<string>>((_, reject) => {
            signal.onabort = () => reject(new DOMException("cancelled", "AbortError"));
          });
    render(<ExportButton name="alerts" pages={pages} columns={columns} />);
    await userEvent.click(screen.getByRole("button", { name: "Export CSV" }));
    expect((await screen.findByRole("status")).textContent).toBe("1 rows…");
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    await screen.findByRole("button", { name: "Export CSV" });
    expect([saved.length, toasts.get().length]).toEqual([0, 0]);
  });

  it("says why it failed", async () => {
    const pages = () => Promise.reject(new Error("The server could not be reached."));
    render(<ExportButton name="alerts" pages={pages} columns={columns} />);
    await userEvent.click(screen.getByRole("button", { name: "Export CSV" }));
    await screen.findByRole("button", { name: "Export CSV" });
    expect(toasts.get()[0]).toMatchObject({ tone: "error", detail: "The server could not be reached." });
  });
});
