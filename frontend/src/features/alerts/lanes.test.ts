import { describe, expect, it } from "vitest";

import { anAlert } from "@/testing/cast";

import { lanesOf, spanOf, ticksOf, TRACKS } from "./lanes";

const at = (minute: number): string => `2026-11-21T11:${String(minute).padStart(2, "0")}:00.000000Z`;
const axis = { from: Date.parse(at(0)), to: Date.parse(at(50)) };
const one = (id: string, from: number, to: number | null, change: object = {}) =>
  anAlert({ id, timestamp: at(from), resolved_at: to === null ? null : at(to), ...change });
const ids = (tracks: { id: string }[][] | undefined) => tracks?.map((track) => track.map((each) => each.id));

describe("the timeline of alerts", () => {
  it("has a lane for each asset, the worst first", () => {
    const lanes = lanesOf(
      [one("a", 1, 2, { severity: "low" }), one("b", 3, 4, { severity: "high", asset_name: "web-01" })],
      axis,
    );
    expect(lanes.map((lane) => [lane.asset, lane.severity])).toEqual([
      ["web-01", "high"],
      ["db-01", "low"],
    ]);
  });

  it("keeps assets of one name apart by company", () => {
    expect(lanesOf([one("a", 1, 2), one("b", 1, 2, { company_id: "globex" })], axis)).toHaveLength(2);
  });

  it("puts alerts that overlap on tracks of their own, and others behind one another", () => {
    const [lane] = lanesOf([one("late", 30, 40), one("long", 1, 20), one("inside", 5, 10)], axis);
    expect(ids(lane?.tracks)).toEqual([["long", "late"], ["inside"]]);
  });

  it("lets an open alert reach to the end of the axis", () => {
    const open = one("open", 10, null);
    expect(spanOf(open, axis).to).toBe(axis.to);
    expect(ids(lanesOf([open, one("next", 20, 30)], axis)[0]?.tracks)).toEqual([["open"], ["next"]]);
  });

  it("leaves out what ended before the axis begins, and shows what reaches into it", () => {
    const later = { from: Date.parse(at(15)), to: axis.to };
    const [lane] = lanesOf([one("before", 1, 10), one("into", 2, 20)], later);
    expect([lane?.count, ids(lane?.tracks)]).toEqual([1, [["into"]]]);
  });

  it("shows what began a moment ago, or by a clock that is ahead, at the end of the axis", () => {
    const [lane] = lanesOf([one("fresh", 55, null)], axis);
    expect(ids(lane?.tracks)).toEqual([["fresh"]]);
    expect(spanOf(one("fresh", 55, null), axis)).toEqual({ from: axis.to, to: axis.to });
  });

  it("counts what has no room instead of hiding it silently", () => {
    const crowd = Array.from({ length: TRACKS + 3 }, (_, n) => one(`n${n}`, n, null));
    expect(lanesOf(crowd, axis)[0]).toMatchObject({ count: TRACKS + 3, hidden: 3 });
  });

  it("marks the axis at round instants", () => {
    expect(ticksOf(axis).map((tick) => new Date(tick).toISOString().slice(14, 16))).toEqual([
      "00",
      "10",
      "20",
      "30",
      "40",
      "50",
    ]);
    const day = ticksOf({ from: axis.to - 24 * 3_600_000, to: axis.to });
    expect(day.length).toBeLessThanOrEqual(7);
  });
});
