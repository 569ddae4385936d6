import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";

import { useSteadyOrder } from "./useSteadyOrder";

const row = (id: string, text = "") => ({ id, text });

function steady() {
  return renderHook(({ rows }) => useSteadyOrder(rows), { initialProps: { rows: [row("a"), row("b")] } });
}

it("lets new rows flow while nobody aims at one", () => {
  const { result, rerender } = steady();
  rerender({ rows: [row("new"), row("a"), row("b")] });
  expect(result.current.rows.map((each) => each.id)).toEqual(["new", "a", "b"]);
});

it("keeps held rows in place, updates them there, and counts the new ones", () => {
  const { result, rerender } = steady();
  act(() => result.current.hold());
  rerender({ rows: [row("new"), row("b"), row("a", "changed")] });
  expect(result.current.rows).toEqual([row("a", "changed"), row("b")]);
  expect(result.current.waiting).toBe(1);
});

it("shows what waited once it is let go", () => {
  const { result, rerender } = steady();
  act(() => result.current.hold());
  rerender({ rows: [row("new"), row("a"), row("b")] });
  act(() => result.current.release());
  expect(result.current.rows.map((each) => each.id)).toEqual(["new", "a", "b"]);
  expect(result.current.waiting).toBe(0);
});
