import { describe, expect, it } from "vitest";

import type { Frame } from "@/api/frames";
import { anAlert, frame } from "@/testing/cast";

import { FrameBuffer, type FlushClock } from "./buffer";

class FakeClock implements FlushClock {
  time = 0;
  isHidden = false;
  frames: ((at: number) => void)[] = [];
  timers: { call: () => void; wait: number }[] = [];
  now = () => this.time;
  hidden = () => this.isHidden;
  nextFrame = (call: (at: number) => void) => this.frames.push(call);
  later = (call: () => void, wait: number) => this.timers.push({ call, wait });

  paint(after = 16): void {
    this.time += after;
    for (const call of this.frames.splice(0)) call(this.time);
  }
}

const news = (n: number): Frame[] =>
  Array.from({ length: n }, (_, index) => frame(`acme:1:${index}`, "alert_received", anAlert()));

function opened() {
  const clock = new FakeClock();
  const flushed: { frames: number; overflowed: boolean }[] = [];
  const buffer = new FrameBuffer(
    (frames, overflowed) => flushed.push({ frames: frames.length, overflowed }),
    clock,
  );
  return { clock, flushed, buffer };
}

describe("the buffer", () => {
  it("gathers what comes within one painted frame into one flush", () => {
    const { clock, flushed, buffer } = opened();
    buffer.push(news(2));
    buffer.push(news(3));
    clock.paint();
    expect(flushed).toEqual([{ frames: 5, overflowed: false }]);
  });

  it("waits a quarter of a second between flushes above a hundred events a second", () => {
    const { clock, flushed, buffer } = opened();
    buffer.push(news(1));
    clock.paint();
    buffer.push(news(150));
    expect(clock.frames).toHaveLength(0);
    expect(clock.timers[0]?.wait).toBeGreaterThan(200);
    clock.timers[0]?.call();
    expect(flushed.map((each) => each.frames)).toEqual([1, 150]);
  });

  it("waits a quarter of a second on a device that paints slowly", () => {
    const { clock, buffer } = opened();
    for (let n = 0; n < 30; n += 1) {
      buffer.push(news(1));
      clock.paint(60);
      for (const timer of clock.timers.splice(0)) timer.call();
    }
    buffer.push(news(1));
    expect(clock.timers[0]?.wait).toBeGreaterThan(100);
  });

  it("flushes a hidden tab once a second", () => {
    const { clock, buffer } = opened();
    clock.isHidden = true;
    buffer.push(news(1));
    expect(clock.timers.map((timer) => timer.wait)).toEqual([1000]);
  });

  it("holds everything back while paused, and lets it go at once after", () => {
    const { clock, flushed, buffer } = opened();
    buffer.paused = true;
    buffer.push(news(4));
    clock.paint();
    expect(flushed).toEqual([]);
    expect(buffer.size).toBe(4);
    buffer.resume();
    expect(flushed).toEqual([{ frames: 4, overflowed: false }]);
  });

  it("drops a backlog that a fetch would beat, and says so", () => {
    const { flushed, buffer } = opened();
    buffer.paused = true;
    buffer.push(news(6000));
    expect(buffer.size).toBe(0);
    buffer.resume();
    expect(flushed).toEqual([{ frames: 0, overflowed: true }]);
  });
});
