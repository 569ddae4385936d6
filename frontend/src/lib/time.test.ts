import { expect, it } from "vitest";

import { clockTime, exactTime, millis, shortTime, span } from "./time";

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
  expect([clockTime(NaN), shortTime(NaN, 0)]).toEqual(["—", "—"]);
  expect(exactTime(NaN)).toContain("—");
});
