import type { EventsAnswer, Frame } from "@/api/frames";

import { position } from "./recent";
import { liveStatus, report } from "./status";

/** An open connection, as far as the feed cares. */
export interface Wire {
  send(text: string): void;
  close(): void;
}

export interface WireEvents {
  message(text: string): void;
  closed(code: number): void;
}

/** What the feed needs of the world; tests give a fake one. */
export interface FeedPorts {
  /** Opens a socket that first replays what came after these event ids. */
  open(after: string[], events: WireEvents): Wire;
  poll(after: string[]): Promise<EventsAnswer>;
  deliver(frames: Frame[]): void;
  /** Lists must be read anew: events were missed that nobody can replay. */
  resync(): void;
  signedOut(): void;
  serverTime(instant: string): void;
  random(): number;
  now(): number;
}

export const POLL_MS = 30_000;
const PING_MS = 30_000;
const PONG_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;
const SIGNED_OUT = 4401;
/** Larger than the number of events in any commit: "everything of later commits". */
const WHOLE_COMMIT = 999_999;
const LAGS_KEPT = 50;

/** Jittered exponential back-off in milliseconds: 0.5 s doubling to 15 s, never less than half of its step. */
export function retryDelay(attempt: number, random: number): number {
  const step = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
  return step / 2 + (step / 2) * random;
}

type Timer = ReturnType<typeof setTimeout>;

/**
 * Keeps this tab fed with events: by one socket, and by polling each 30 s while there is none. It never gives up.
 * A cursor for each company says how far we are; what was fetched before the socket's first event is closed by one poll.
 */
export class LiveFeed {
  private readonly ports: FeedPorts;
  private readonly positions = new Map<string, { seq: number; n: number }>();
  /** Per company, the log position from which on nothing was missed. */
  private readonly coveredFrom = new Map<string, number>();
  private readonly snapshots = new Map<string, number>();
  private wire: Wire | null = null;
  private attempt = 0;
  private everLive = false;
  private stopped = true;
  private retryTimer: Timer | undefined;
  private pingTimer: Timer | undefined;
  private pongTimer: Timer | undefined;
  private pollTimer: Timer | undefined;
  private pollOnly = false;
  private catchingUp = 0;

  constructor(ports: FeedPorts) {
    this.ports = ports;
  }

  start(transport: "auto" | "polling"): void {
    this.stopped = false;
    this.pollOnly = transport === "polling";
    report({ transport: this.pollOnly ? "polling" : "socket", state: "connecting" });
    if (this.pollOnly) void this.pollNow();
    else this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.clearTimers();
    this.wire?.close();
    this.wire = null;
  }

  /** A list was fetched at these log positions. */
  noteSnapshot(cursors: Record<string, number>): void {
    const missed: string[] = [];
    for (const [company, seq] of Object.entries(cursors)) {
      this.snapshots.set(company, Math.min(seq, this.snapshots.get(company) ?? seq));
      const from = this.coveredFrom.get(company);
      if (from !== undefined && seq < from) {
        missed.push(`${company}:${seq}:${WHOLE_COMMIT}`);
        this.coveredFrom.set(company, seq);
      }
    }
    if (missed.length > 0) void this.fill(missed);
  }

  retryNow(): void {
    if (this.stopped) return;
    if (this.pollOnly) void this.pollNow();
    else if (this.wire === null || liveStatus.get().state !== "live") this.connect();
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    let alive = true;
    const wire = this.ports.open(this.after(), {
      message: (text) => {
        if (alive) this.hear(text);
      },
      closed: (code) => {
        if (!alive) return;
        alive = false;
        this.lost(code);
      },
    });
    this.wire = {
      send: (text) => wire.send(text),
      close: () => {
        alive = false;
        wire.close();
      },
    };
    this.pongTimer = setTimeout(() => this.silent(), PONG_MS);
  }

  private drop(): void {
    clearTimeout(this.pongTimer);
    clearTimeout(this.pingTimer);
    this.wire?.close();
    this.wire = null;
  }

  private silent(): void {
    this.drop();
    this.lost(1006);
  }

  private hear(text: string): void {
    clearTimeout(this.pongTimer);
    report({ lastHeardAt: this.ports.now() });
    if (text === "pong") return;
    if (text === "ping") {
      this.wire?.send("pong");
      return;
    }
    const parsed = JSON.parse(text) as Frame | Frame[];
    this.take(Array.isArray(parsed) ? parsed : [parsed]);
  }

  private take(frames: Frame[]): void {
    const facts: Frame[] = [];
    for (const frame of frames) {
      if (frame.type === "hello") this.greet(frame.data.cursors, frame.data.server_time);
      else facts.push(frame);
      if (frame.type === "resync") this.goOnFrom(frame.id);
      else this.advance(frame.id);
    }
    if (facts.length === 0) return;
    this.measure(facts);
    this.ports.deliver(facts);
  }

  private greet(cursors: Record<string, number>, serverTime: string): void {
    this.ports.serverTime(serverTime);
    const missed: string[] = [];
    for (const [company, seq] of Object.entries(cursors)) {
      const known = this.positions.get(company);
      if (known && known.seq > seq) {
        // The log is shorter than what we saw of it: another database answers now.
        this.ports.resync();
        this.positions.set(company, { seq, n: WHOLE_COMMIT });
      } else if (!known) {
        this.positions.set(company, { seq, n: WHOLE_COMMIT });
        const snapshot = this.snapshots.get(company);
        if (snapshot !== undefined && snapshot < seq) missed.push(`${company}:${snapshot}:${WHOLE_COMMIT}`);
        this.coveredFrom.set(company, Math.min(seq, snapshot ?? seq));
      }
    }
    this.becomeLive();
    if (missed.length > 0) void this.fill(missed);
  }

  private becomeLive(): void {
    clearTimeout(this.pollTimer);
    this.pollTimer = undefined;
    this.attempt = 0;
    this.catchingUp = 0;
    const again = this.everLive ? 1 : 0;
    this.everLive = true;
    report({
      state: "live",
      retryAt: null,
      reconnects: liveStatus.get().reconnects + again,
      caughtUp: again ? 0 : null,
    });
    if (again) setTimeout(() => report({ caughtUp: null }), 8000);
    this.ping();
  }

  private ping(): void {
    this.pingTimer = setTimeout(() => {
      this.wire?.send("ping");
      this.pongTimer = setTimeout(() => this.silent(), PONG_MS);
      this.ping();
    }, PING_MS);
  }

  private lost(code: number): void {
    this.drop();
    if (this.stopped) return;
    if (code === SIGNED_OUT) {
      this.ports.signedOut();
      return;
    }
    const delay = retryDelay(this.attempt, this.ports.random());
    this.attempt += 1;
    const polling = liveStatus.get().state === "polling";
    report({ state: polling ? "polling" : "disconnected", retryAt: this.ports.now() + delay });
    this.retryTimer = setTimeout(() => this.connect(), delay);
    if (this.attempt > 1 && this.pollTimer === undefined) void this.pollNow();
  }

  private async pollNow(): Promise<void> {
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => void this.pollNow(), POLL_MS);
    const answered = await this.fill(this.after());
    if (this.stopped || liveStatus.get().state === "live") return;
    if (answered) report({ state: "polling", lastHeardAt: this.ports.now() });
    else report({ state: "disconnected" });
  }

  /** Fetches what came after these event ids. False when the server did not answer. */
  private async fill(after: string[]): Promise<boolean> {
    try {
      const answer = await this.ports.poll(after);
      if (answer.resync) this.ports.resync();
      for (const [company, seq] of Object.entries(answer.cursors))
        this.advance(`${company}:${seq}:${WHOLE_COMMIT}`);
      if (answer.frames.length > 0) this.take(answer.frames);
      return true;
    } catch {
      return false;
    }
  }

  /** The stream goes on from here; what lies before is for the lists to fetch. */
  private goOnFrom(id: string): void {
    const at = position(id);
    if (at) this.positions.set(at.company, { seq: at.seq, n: at.n });
    this.ports.resync();
  }

  private advance(id: string): void {
    const at = position(id);
    if (!at) return;
    const held = this.positions.get(at.company);
    if (held && (held.seq > at.seq || (held.seq === at.seq && held.n >= at.n))) return;
    this.positions.set(at.company, { seq: at.seq, n: at.n });
  }

  private after(): string[] {
    const known = [...this.positions].map(([company, { seq, n }]) => `${company}:${seq}:${n}`);
    if (known.length > 0) return known;
    return this.pollOnly || this.attempt > 0
      ? [...this.snapshots].map(([company, seq]) => `${company}:${seq}:${WHOLE_COMMIT}`)
      : [];
  }

  private measure(facts: Frame[]): void {
    const now = this.ports.now();
    const status = liveStatus.get();
    const at = Date.parse(facts.at(-1)?.timestamp ?? "");
    this.catchingUp += facts.length;
    report({
      lastEventAt: now,
      lags: Number.isNaN(at) ? status.lags : [...status.lags, Math.max(0, now - at)].slice(-LAGS_KEPT),
      caughtUp: status.caughtUp === null ? null : this.catchingUp,
    });
  }

  private clearTimers(): void {
    for (const timer of [this.retryTimer, this.pingTimer, this.pongTimer, this.pollTimer])
      clearTimeout(timer);
    this.pollTimer = undefined;
  }
}
