import { createStore } from "@/lib/store";

export type LiveState = "connecting" | "live" | "polling" | "disconnected";

/** What the chip and its popover say about the connection. */
export interface LiveStatus {
  state: LiveState;
  transport: "socket" | "polling";
  lastEventAt: number | null;
  lastHeardAt: number | null;
  retryAt: number | null;
  reconnects: number;
  lags: readonly number[];
  /** Held back by the person; `waiting` frames are in the buffer. */
  paused: boolean;
  waiting: number;
  caughtUp: number | null;
}

export const liveStatus = createStore<LiveStatus>({
  state: "connecting",
  transport: "socket",
  lastEventAt: null,
  lastHeardAt: null,
  retryAt: null,
  reconnects: 0,
  lags: [],
  paused: false,
  waiting: 0,
  caughtUp: null,
});

export const report = (change: Partial<LiveStatus>): void =>
  liveStatus.set((previous) => ({ ...previous, ...change }));

/** Median of the last lags in milliseconds; null before the first event. */
export function medianLag(lags: readonly number[]): number | null {
  if (lags.length === 0) return null;
  const sorted = [...lags].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
