/** Rows that just arrived, for their one fade; none while more than 20 a second come or when motion is unwanted. */
const FADE_MS = 2000;
const MAX_PER_SECOND = 20;
const arrived = new Map<string, number>();
let windowStart = 0;
let inWindow = 0;

export function markFresh(ids: readonly string[], now = performance.now()): void {
  if (now - windowStart > 1000) {
    windowStart = now;
    inWindow = 0;
  }
  inWindow += ids.length;
  for (const [id, at] of arrived) if (now - at > FADE_MS) arrived.delete(id);
  if (inWindow > MAX_PER_SECOND || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const id of ids) arrived.set(id, now);
}

export function isFresh(id: string, now = performance.now()): boolean {
  const at = arrived.get(id);
  return at !== undefined && now - at < FADE_MS;
}
