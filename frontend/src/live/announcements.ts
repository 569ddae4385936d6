import type { Frame } from "@/api/frames";
import { createStore } from "@/lib/store";
import { t } from "@/lib/strings";

const EVERY_MS = 10_000;

/** The sentence that screen readers hear: a summary, at most once in ten seconds, never each row. */
export const announcement = createStore("");
let alerts = 0;
let critical = 0;
let incidents = 0;
let waiting = false;

function speak(): void {
  waiting = false;
  announcement.set(t.live.summary(alerts, critical, incidents));
  alerts = 0;
  critical = 0;
  incidents = 0;
}

export function announceFrames(frames: readonly Frame[]): void {
  for (const frame of frames) {
    if (frame.type === "alert_received") {
      alerts += 1;
      if (frame.data.severity === "critical") critical += 1;
    } else if (frame.type === "incident_created") incidents += 1;
  }
  if (waiting || alerts + incidents === 0) return;
  waiting = true;
  setTimeout(speak, EVERY_MS);
}
