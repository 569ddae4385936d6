import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { utcDay } from "@/lib/time";

import { Day } from "./bits";

afterEach(cleanup);

it("shows a day and no time of it", () => {
  render(<Day at="2026-11-21T23:59:59.000000Z" hint="Last seen" />);
  const shown = screen.getByTitle("Last seen");
  expect(shown.getAttribute("datetime")).toBe("2026-11-21");
  expect(shown.textContent).toBe(utcDay(Date.UTC(2026, 10, 21)));
});

it("shows a dash for a day that never was", () => {
  render(<Day at={null} hint="Last seen" />);
  expect(screen.queryByTitle("Last seen")).toBeNull();
  expect(screen.getByText("—").tagName).toBe("SPAN");
});
