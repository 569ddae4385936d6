import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { EventsAnswer, Frame } from "@/api/frames";
import { anAlert, frame } from "@/testing/cast";

import { LiveFeed, POLL_MS, retryDelay, type FeedPorts, type WireEvents } from "./feed";
import { liveStatus, report } from "./status";

interface Line {
  after: string[];
  events: WireEvents;
  sent: string[];
  open: boolean;
}

const pristine = liveStatus.get();

class World {
  lines: Line[] = [];
  polls: string[][] = [];
  delivered: Frame[] = [];
  resyncs = 0;
  signedOut = 0;
  answer: EventsAnswer | Error = { frames: [], cursors: {}, resync: false };

  readonly ports: FeedPorts = {
    open: (after, events) => {
      const line: Line = { after, events, sent: [], open: true };
      this.lines.push(line);
      return { send: (text) => line.sent.push(text), close: () => (line.open = false) };
    },
    poll: (after) => {
      this.polls.push(after);
      return this.answer instanceof Error ? Promise.reject(this.answer) : Promise.resolve(this.answer);
    },
    deliver: (frames) => this.delivered.push(...frames),
    resync: () => (this.resyncs += 1),
    signedOut: () => (this.signedOut += 1),
    serverTime: () => undefined,
    random: () => 0.5,
    now: () => Date.now(),
  };

  get line(): Line {
    const line = this.lines.at(-1);
    if (!line) throw new Error("no socket was opened");
    return line;
  }

  say(...frames: Frame[]): void {
    this.line.events.message(JSON.stringify(frames.length === 1 ? frames[0] : frames));
  }

  hello(cursors: Record<string, number>): void {
    this.say(frame("", "hello", { cursors, server_time: "2026-11-21T11:00:00.000000Z" }));
  }
}

describe("the live feed", () => {
  let world: World;
  let feed: LiveFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    liveStatus.set(pristine);
    world = new World();
    feed = new LiveFeed(world.ports);
    feed.start("auto");
  });

  afterEach(() => {
    feed.stop();
    vi.useRealTimers();
  });

  it("is live once the server has greeted it", () => {
    expect(liveStatus.get().state).toBe("connecting");
    world.hello({ acme: 4 });
    expect(liveStatus.get().state).toBe("live");
  });

  it("delivers single frames and arrays of them alike", () => {
    world.hello({ acme: 4 });
    world.say(frame("acme:5:0", "alert_received", anAlert()));
    world.say(frame("acme:6:0", "alert_updated", anAlert()), frame("acme:6:1", "alert_updated", anAlert()));
    expect(world.delivered.map((each) => each.id)).toEqual(["acme:5:0", "acme:6:0", "acme:6:1"]);
  });

  it("resumes behind the last event that it saw, company by company", () => {
    world.hello({ acme: 4, globex: 9 });
    world.say(frame("acme:5:3", "alert_received", anAlert()));
    world.line.events.closed(1006);
    vi.advanceTimersByTime(500);
    expect(world.line.after).toEqual(["acme:5:3", "globex:9:999999"]);
  });

  it("tries again within five seconds, then ever more slowly, and never gives up", () => {
    world.hello({ acme: 4 });
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const opened = world.lines.length;
      world.line.events.closed(1006);
      vi.advanceTimersByTime(attempt === 0 ? 5000 : 15_000);
      expect(world.lines.length).toBeGreaterThan(opened);
    }
  });

  it("spreads its attempts between half of each step and the whole of it", () => {
    expect([retryDelay(0, 0), retryDelay(0, 1)]).toEqual([250, 500]);
    expect([retryDelay(3, 0), retryDelay(3, 1)]).toEqual([2000, 4000]);
    expect(retryDelay(99, 1)).toBe(15_000);
  });

  it("polls every thirty seconds only while there is no socket, through the same door", async () => {
    world.hello({ acme: 4 });
    world.answer = {
      frames: [frame("acme:5:0", "alert_received", anAlert())],
      cursors: { acme: 5 },
      resync: false,
    };
    world.line.events.closed(1006);
    expect(liveStatus.get().state).toBe("disconnected");
    vi.advanceTimersByTime(1000);
    world.line.events.closed(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.polls).toEqual([["acme:4:999999"]]);
    expect(world.delivered.map((each) => each.id)).toEqual(["acme:5:0"]);
    expect(liveStatus.get().state).toBe("polling");
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(world.polls).toHaveLength(2);
    world.hello({ acme: 5 });
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(world.polls).toHaveLength(2);
    expect(liveStatus.get().state).toBe("live");
  });

  it("says disconnected when polling fails as well", async () => {
    world.hello({ acme: 4 });
    world.answer = new Error("down");
    world.line.events.closed(1006);
    vi.advanceTimersByTime(1000);
    world.line.events.closed(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(liveStatus.get().state).toBe("disconnected");
  });

  it("pings every thirty seconds and takes ten of silence for a broken line", () => {
    world.hello({ acme: 4 });
    const first = world.line;
    vi.advanceTimersByTime(30_000);
    expect(first.sent).toEqual(["ping"]);
    first.events.message("pong");
    vi.advanceTimersByTime(30_000);
    expect(first.sent).toEqual(["ping", "ping"]);
    vi.advanceTimersByTime(10_500);
    expect(first.open).toBe(false);
    expect(world.lines).toHaveLength(2);
  });

  it("fetches what happened between a list and the greeting", async () => {
    feed.noteSnapshot({ acme: 3 });
    world.hello({ acme: 5 });
    await vi.advanceTimersByTimeAsync(0);
    expect(world.polls).toEqual([["acme:3:999999"]]);
  });

  it("fetches nothing for a list that is newer than the greeting", async () => {
    world.hello({ acme: 5 });
    feed.noteSnapshot({ acme: 6 });
    await vi.advanceTimersByTimeAsync(0);
    expect(world.polls).toEqual([]);
  });

  it("has the lists read anew on a resync, and goes on from where it says", () => {
    world.hello({ acme: 4 });
    world.say(frame("acme:900:0", "resync", null));
    expect(world.resyncs).toBe(1);
    world.line.events.closed(1013);
    vi.advanceTimersByTime(500);
    expect(world.line.after).toEqual(["acme:900:0"]);
  });

  it("reads anew when the log is shorter than what it has seen of it", () => {
    world.hello({ acme: 40 });
    world.line.events.closed(1006);
    vi.advanceTimersByTime(500);
    world.hello({ acme: 2 });
    expect(world.resyncs).toBe(1);
  });

  it("stops and asks for a sign-in when the session is over", () => {
    world.hello({ acme: 4 });
    world.line.events.closed(4401);
    vi.advanceTimersByTime(60_000);
    expect(world.signedOut).toBe(1);
    expect(world.lines).toHaveLength(1);
  });

  it("ignores what an abandoned line still says", () => {
    world.hello({ acme: 4 });
    const old = world.line;
    feed.stop();
    old.events.closed(1006);
    vi.advanceTimersByTime(60_000);
    expect(world.lines).toHaveLength(1);
  });

  it("says what it caught up on after a reconnection", () => {
    world.hello({ acme: 4 });
    world.line.events.closed(1006);
    vi.advanceTimersByTime(500);
    world.hello({ acme: 6 });
    world.say(frame("acme:5:0", "alert_received", anAlert()), frame("acme:6:0", "alert_received", anAlert()));
    expect(liveStatus.get().caughtUp).toBe(2);
    expect(liveStatus.get().reconnects).toBe(1);
  });
});

describe("with LIVE_TRANSPORT=polling", () => {
  it("opens no socket and polls every thirty seconds", async () => {
    vi.useFakeTimers();
    report(pristine);
    const world = new World();
    const feed = new LiveFeed(world.ports);
    feed.start("polling");
    await vi.advanceTimersByTimeAsync(2 * POLL_MS);
    expect(world.lines).toHaveLength(0);
    expect(world.polls).toHaveLength(3);
    expect(liveStatus.get().state).toBe("polling");
    feed.stop();
    vi.useRealTimers();
  });
});
