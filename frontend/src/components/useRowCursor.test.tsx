import { fireEvent, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { useKeyboard } from "@/lib/keyboard";

import { useRowCursor } from "./useRowCursor";

const rows = ["a", "b", "c", "d"].map((id) => ({ id }));

function cursor(given: { peeking?: boolean; startsAt?: string; first?: number } = {}) {
  const actions = {
    open: vi.fn(),
    peek: vi.fn(),
    moved: vi.fn(),
    peeking: given.peeking ?? false,
    startsAt: given.startsAt ?? null,
    first: () => given.first ?? 0,
  };
  const hook = renderHook(() => {
    useKeyboard();
    return useRowCursor(rows, actions);
  });
  return { ...hook, actions };
}

const press = (key: string) => fireEvent.keyDown(document.body, { key });

it("appears at the first row in sight, and moves on from there", () => {
  const { result } = cursor({ first: 2 });
  press("j");
  expect(result.current.activeId).toBe("c");
  press("k");
  expect(result.current.activeId).toBe("b");
});

it("appears at the last row if fewer are left than what was in sight", () => {
  const { result } = cursor({ first: 9 });
  press("j");
  expect(result.current.activeId).toBe("d");
});

it("goes on from the row at which the list was left", () => {
  const { result } = cursor({ startsAt: "b" });
  press("j");
  expect(result.current.activeId).toBe("c");
});

it("closes a preview by Esc, and nothing else; without one Esc clears", () => {
  const peeking = cursor({ startsAt: "b", peeking: true });
  press("Escape");
  expect(peeking.actions.peek).toHaveBeenCalledWith(null);
  expect(peeking.result.current.activeId).toBe("b");
  peeking.unmount();
  const { result } = cursor({ startsAt: "b" });
  press("Escape");
  expect(result.current.activeId).toBeNull();
});
