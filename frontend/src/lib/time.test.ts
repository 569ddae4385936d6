import { expect, it } from "vitest";

import { clockTime, exactTime, millis, shortTime, span, utcDay } from "./time";

it.each([
  [0, "0 s"],
  [-5000, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_599_000, "59 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
])("tells %d ms as %s", (milliseconds, words) => {
  expect(span(milliseconds)).toBe(words);
});

it("has no time for nothing and for nonsense", () => {
  expect([millis(null), millis(undefined), millis("soon")]).toEqual([null, null, null]);
});

it("shows what is no time as a dash instead of failing", () => {
  expect([clockTime(NaN), shortTime(NaN, 0), utcDay(NaN)]).toEqual(["—", "—", "—"]);
  expect(exactTime(NaN)).toContain("—");
});

it("tells one day of UTC for all of its instants, wherever one looks from", () => {
  const days = ["2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z"].map((at) =>
    utcDay(Date.parse(at)),
  );
  expect(days[0]).toBe(days[1]);
  expect(days[1]).not.toBe(days[2]);
  expect(days[0]).toContain("21");
});
