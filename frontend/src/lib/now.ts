import { useSyncExternalStore } from "react";

/** Server time: this browser's clock plus the skew that the server's own stamps revealed. */
let skew = 0;
let current = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

export function learnServerTime(serverTime: string): void {
  const at = Date.parse(serverTime);
  if (!Number.isNaN(at)) skew = at - Date.now();
}

export const serverNow = (): number => Date.now() + skew;

function tick(): void {
  current = serverNow();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    current = serverNow();
    timer = setInterval(tick, 1000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

/** Server time in milliseconds, ticking in steps of `step` seconds; one timer serves every reader. */
export function useNow(step = 1): number {
  return useSyncExternalStore(subscribe, () => Math.floor(current / (step * 1000)) * step * 1000);
}
