import { NONE } from "./format";

/** The zone of the person who looks; instants come as ISO-8601 UTC strings. */
export const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const exactForm = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
  hourCycle: "h23",
});
const utcForm = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "medium",
  timeZone: "UTC",
});
const clockForm = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const dayClockForm = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const shortForm = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const utcDayForm = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const zoneForm = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

/** Milliseconds since the epoch, or null for nothing or nonsense. */
export function millis(instant: string | null | undefined): number | null {
  if (!instant) return null;
  const parsed = Date.parse(instant);
  return Number.isNaN(parsed) ? null : parsed;
}

/** A form that shows "—" for what is no time; Intl throws, and one odd value must not take a page down. */
const shown = (form: Intl.DateTimeFormat, at: number): string => (Number.isNaN(at) ? NONE : form.format(at));

/** "14:32:08" in the viewer's zone. */
export const clockTime = (at: number): string => shown(clockForm, at);

/** "14:32" today, "21 Nov, 14:32" on another day. */
export function shortTime(at: number, now: number): string {
  return new Date(at).toDateString() === new Date(now).toDateString()
    ? shown(shortForm, at)
    : shown(dayClockForm, at);
}

/** "21 Nov 2026": the day in UTC, of what is kept to the day. */
export const utcDay = (at: number): string => shown(utcDayForm, at);

/** Both zones, for a tooltip. */
export const exactTime = (at: number): string =>
  `${shown(exactForm, at)} (${viewerZone}) · ${shown(utcForm, at)} UTC`;

/** "UTC", "CET", "GMT+2": short name of the viewer's zone. */
export const zoneName = (at: number): string =>
  zoneForm.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? viewerZone;

const units: [limit: number, size: number, letter: string][] = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Infinity, 86_400, "d"],
];

/** A span in its largest whole unit: "8 s", "23 min", "3 h", "12 d". Never negative. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [, size, letter] = units.find(([limit]) => seconds < limit) ?? [0, 86_400, "d"];
  return `${Math.floor(seconds / size)} ${letter}`;
}
