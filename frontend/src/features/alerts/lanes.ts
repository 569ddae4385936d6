import type { Alert, Severity } from "@/api/types";
import { severityOrder } from "@/components/SeverityFilter";

/** Tracks that one lane draws; what would need more is counted instead. */
export const TRACKS = 4;

/** One asset's alerts along the axis of time; alerts of one track do not overlap. */
export interface Lane {
  key: string;
  asset: string;
  companyId: string;
  severity: Severity;
  count: number;
  tracks: Alert[][];
  hidden: number;
}

export interface Span {
  from: number;
  to: number;
}

const rank = (severity: Severity): number => severityOrder.indexOf(severity);

/**
 * From its first fire until it was resolved; an open alert reaches to the end of the axis. What began since the axis
 * was drawn, or in the future of a tool whose clock is ahead, stands at its end.
 */
export const spanOf = (alert: Alert, axis: Span): Span => ({
  from: Math.min(Date.parse(alert.timestamp), axis.to),
  to: alert.resolved_at === null ? axis.to : Math.min(Date.parse(alert.resolved_at), axis.to),
});

/** Puts each alert into the first track that is free when it begins; a bar is at least `least` long. */
function packed(alerts: readonly Alert[], axis: Span, least: number): { tracks: Alert[][]; hidden: number } {
  const tracks: Alert[][] = [];
  const ends: number[] = [];
  let hidden = 0;
  for (const alert of alerts.toSorted((one, other) => (one.timestamp < other.timestamp ? -1 : 1))) {
    const { from, to } = spanOf(alert, axis);
    const free = ends.findIndex((end) => end <= from);
    const at = free < 0 ? ends.length : free;
    if (at >= TRACKS) {
      hidden += 1;
      continue;
    }
    (tracks[at] ??= []).push(alert);
    ends[at] = Math.max(to, from + least);
  }
  return { tracks, hidden };
}

/** A lane for each asset with an alert on the axis: the worst first, then by name, so that lanes keep their places. */
export function lanesOf(alerts: readonly Alert[], axis: Span): Lane[] {
  const byAsset = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (spanOf(alert, axis).to < axis.from) continue;
    const key = `${alert.company_id} ${alert.asset_name}`;
    const members = byAsset.get(key);
    if (members) members.push(alert);
    else byAsset.set(key, [alert]);
  }
  const least = (axis.to - axis.from) / 100;
  const lanes = [...byAsset].map(([key, members]): Lane => ({
    key,
    asset: members[0]?.asset_name ?? "",
    companyId: members[0]?.company_id ?? "",
    severity: members.reduce<Severity>(
      (worst, alert) => (rank(alert.severity) < rank(worst) ? alert.severity : worst),
      "unknown",
    ),
    count: members.length,
    ...packed(members, axis, least),
  }));
  return lanes.sort(
    (one, other) => rank(one.severity) - rank(other.severity) || one.key.localeCompare(other.key),
  );
}

const MINUTE_MS = 60_000;
const STEPS = [1, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880].map((minutes) => minutes * MINUTE_MS);

/** Round instants along the axis, at most `most` of them, in the viewer's zone. */
export function ticksOf(axis: Span, most = 7): number[] {
  const step = STEPS.find((each) => (axis.to - axis.from) / each <= most) ?? 2 * 1440 * MINUTE_MS;
  const shift = new Date(axis.to).getTimezoneOffset() * MINUTE_MS;
  const first = Math.ceil((axis.from - shift) / step) * step + shift;
  const ticks: number[] = [];
  for (let at = first; at <= axis.to; at += step) ticks.push(at);
  return ticks;
}
