import type { Frame } from "@/api/frames";

type Waiter = (at: number) => void;
const waiters = new Map<string, Waiter>();
const lately = new Map<string, number>();
const KEPT = 200;

/** Tells who waits for an alert that it came over the live connection. */
export function noteArrivals(frames: readonly Frame[]): void {
  const now = performance.now();
  for (const frame of frames) {
    if (frame.type !== "alert_received" && frame.type !== "alert_updated") continue;
    lately.delete(frame.data.id);
    lately.set(frame.data.id, now);
    waiters.get(frame.data.id)?.(now);
  }
  for (const id of lately.keys()) {
    if (lately.size <= KEPT) break;
    lately.delete(id);
  }
}

/** When an alert came in live, on the clock of `performance.now()`; it may have come before the answer to its sender. */
export function arrivalOf(alertId: string, sentAt: number): Promise<number> {
  const came = lately.get(alertId);
  if (came !== undefined && came >= sentAt) return Promise.resolve(came);
  return new Promise((resolve) => {
    waiters.set(alertId, (at) => {
      waiters.delete(alertId);
      resolve(at);
    });
  });
}
