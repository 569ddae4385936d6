import type { Frame } from "@/api/frames";

const HOT_PER_SECOND = 100;
const SLOW_FRAME_MS = 24;
const CALM_FLUSH_MS = 250;
const HIDDEN_FLUSH_MS = 1000;
const MAX_WAITING = 5000;

/** How flushes are timed; a test gives its own. */
export interface FlushClock {
  now(): number;
  hidden(): boolean;
  /** Calls back at the next painted frame. */
  nextFrame(call: (at: number) => void): void;
  later(call: () => void, milliseconds: number): void;
}

export const browserClock: FlushClock = {
  now: () => performance.now(),
  hidden: () => document.hidden,
  nextFrame: (call) => void requestAnimationFrame(call),
  later: (call, milliseconds) => void setTimeout(call, milliseconds),
};

/**
 * Frames between the wire and the cache. One flush a painted frame when calm; at least 250 ms apart on a slow device or
 * above 100 events a second, so that the page stays fluid; once a second in a hidden tab. What exceeds the bound is
 * dropped and reported, since a fetch is then cheaper than the backlog.
 */
export class FrameBuffer {
  private waiting: Frame[] = [];
  private arrivals: number[] = [];
  private scheduled = false;
  private frameMs = 16;
  private lastFlush = -Infinity;
  private readonly flushTo: (frames: Frame[], overflowed: boolean) => void;
  private readonly clock: FlushClock;
  private overflowed = false;
  paused = false;

  constructor(flushTo: (frames: Frame[], overflowed: boolean) => void, clock: FlushClock = browserClock) {
    this.flushTo = flushTo;
    this.clock = clock;
  }

  get size(): number {
    return this.waiting.length;
  }

  push(frames: readonly Frame[]): void {
    const now = this.clock.now();
    this.waiting.push(...frames);
    for (let n = Math.min(frames.length, HOT_PER_SECOND + 1); n > 0; n -= 1) this.arrivals.push(now);
    this.arrivals = this.arrivals.slice(-HOT_PER_SECOND - 1);
    if (this.waiting.length > MAX_WAITING) {
      this.waiting = [];
      this.overflowed = true;
    }
    if (!this.paused) this.schedule();
  }

  /** Above 100 events in the last second. */
  get hot(): boolean {
    const first = this.arrivals[0];
    return this.arrivals.length > HOT_PER_SECOND && first !== undefined && this.clock.now() - first < 1000;
  }

  resume(): void {
    this.paused = false;
    this.flush();
  }

  flush(): void {
    if (this.waiting.length === 0 && !this.overflowed) return;
    const frames = this.waiting;
    const overflowed = this.overflowed;
    this.waiting = [];
    this.overflowed = false;
    this.lastFlush = this.clock.now();
    this.flushTo(frames, overflowed);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const wait = this.clock.hidden()
      ? HIDDEN_FLUSH_MS
      : this.hot || this.frameMs > SLOW_FRAME_MS
        ? this.lastFlush + CALM_FLUSH_MS - this.clock.now()
        : 0;
    const asked = this.clock.now();
    const run = () => {
      this.scheduled = false;
      if (!this.paused) this.flush();
    };
    if (wait > 0) this.clock.later(run, wait);
    else
      this.clock.nextFrame((at) => {
        this.frameMs = this.frameMs * 0.9 + Math.max(0, at - asked) * 0.1;
        run();
      });
  }
}
