import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Frame } from "@/api/frames";

import { type FeedPorts, LiveFeed, type WireEvents } from "./feed";

const AT = "2026-01-05T09:00:00.000000Z";

/** A server that notes what it is asked, and says what the test tells it to. */
class FakeServer {
  readonly asked: string[][] = [];
  readonly heard: string[] = [];
  readonly delivered: string[] = [];
  resyncs = 0;
  line: WireEvents | undefined;

  readonly ports: FeedPorts = {
    open: (after, events) => {
      this.asked.push(after);
      this.line = events;
      return { send: (text) => this.heard.push(text), close: () => undefined };
    },
    poll: () => Promise.resolve({ frames: [], cursors: {}, resync: false }),
    deliver: (frames: Frame[]) => this.delivered.push(...frames.map((frame) => frame.id)),
    resync: () => {
      this.resyncs += 1;
    },
    signedOut: () => undefined,
    serverTime: () => undefined,
    random: () => 0,
    now: () => Date.parse(AT),
  };

  tell(...frames: object[]): void {
    this.line?.message(JSON.stringify(frames));
  }

  greet(cursors: Record<string, number>): void {
    this.tell({ id: "", type: "hello", data: { cursors, server_time: AT }, timestamp: AT });
  }
}

function entry(id: string): object {
  return { id, type: "timeline", data: {}, timestamp: AT };
}

describe("the live feed", () => {
  let server: FakeServer;
  let feed: LiveFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    feed = new LiveFeed(server.ports);
    feed.start("auto");
    server.greet({ acme: 4 });
  });

  afterEach(() => {
    feed.stop();
    vi.useRealTimers();
  });

  it("answers the server's ping", () => {
    server.line?.message("ping");
    expect(server.heard).toEqual(["pong"]);
    expect(server.delivered).toEqual([]);
  });

  it("comes back with the last event it has heard", async () => {
    server.tell(entry("acme:5:0"), entry("acme:5:1"));
    server.line?.closed(1013);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.asked).toEqual([[], ["acme:5:1"]]);
  });

  it("reads anew at a resync, and goes on from its place", async () => {
    server.tell({ id: "acme:9:999999", type: "resync", data: { company_id: "acme", seq: 9 }, timestamp: AT });
    expect(server.resyncs).toBe(1);
    server.line?.closed(1012);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.asked.at(-1)).toEqual(["acme:9:999999"]);
  });
});
