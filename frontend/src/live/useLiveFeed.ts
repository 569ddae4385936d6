import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { api, body, sessionEnded } from "@/api/client";
import type { EventsAnswer, Frame } from "@/api/frames";
import { keys } from "@/api/keys";
import { learnServerTime, serverNow } from "@/lib/now";

import { announceFrames } from "./announcements";
import { noteArrivals } from "./arrivals";
import { attend, unseen } from "./attention";
import { FrameBuffer } from "./buffer";
import { LiveFeed, type Wire, type WireEvents } from "./feed";
import { markFresh } from "./fresh";
import { applyFrames } from "./patches";
import { forget, remember } from "./recent";
import { liveStatus, report } from "./status";
import { throttled } from "./throttle";

const REFETCH_MS = 2000;
const FIGURES_MS = 5000;

function openSocket(after: string[], events: WireEvents): Wire {
  const url = new URL("/ws", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("batch", "1");
  for (const id of after) url.searchParams.append("after", id);
  const socket = new WebSocket(url);
  socket.onmessage = (message: MessageEvent<string>) => events.message(message.data);
  socket.onclose = (close) => events.closed(close.code);
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}

const poll = (after: string[]): Promise<EventsAnswer> =>
  body(api.GET("/api/events", { params: { query: { after, limit: 500 } } })) as Promise<EventsAnswer>;

/** Lists that a gap makes doubtful; what is not on screen is only marked. */
function refetchLists(cache: QueryClient): void {
  for (const queryKey of [
    ["alerts"],
    ["incidents"],
    ["timeline"],
    ["assets"],
    keys.overviews,
    keys.summaries,
  ]) {
    void cache.invalidateQueries({ queryKey }, { cancelRefetch: false });
  }
}

/** Figures that only the server can count. They follow the events at their own calm pace. */
function refetchFigures(cache: QueryClient): void {
  for (const queryKey of [
    keys.overviews,
    keys.summaries,
    keys.alertFacetLists,
    keys.ledgers,
    keys.relatedLists,
  ]) {
    void cache.invalidateQueries({ queryKey }, { cancelRefetch: false });
  }
}

const countsChange = (frame: Frame): boolean =>
  frame.type.startsWith("incident") || frame.type.startsWith("alert");

let feed: LiveFeed | null = null;
let buffer: FrameBuffer | null = null;

/** Tells the feed at which log positions a list was fetched. */
export const noteSnapshot = (cursors: Record<string, number>): void => feed?.noteSnapshot(cursors);

export const retryLive = (): void => feed?.retryNow();

export function togglePause(): void {
  if (!buffer) return;
  if (buffer.paused) {
    buffer.resume();
    report({ paused: false, waiting: 0 });
  } else {
    buffer.paused = true;
    report({ paused: true });
  }
}

function createFeed(cache: QueryClient): { feed: LiveFeed; buffer: FrameBuffer } {
  const refetch = throttled(() => refetchLists(cache), REFETCH_MS);
  const refresh = throttled(() => refetchFigures(cache), FIGURES_MS);
  const flushed = new FrameBuffer((frames, overflowed) => {
    remember(frames);
    markFresh(
      frames
        .filter((frame) => frame.type === "alert_received" || frame.type === "incident_created")
        .map((frame) => frame.data.id),
    );
    if (applyFrames(cache, frames) || overflowed) refetch();
    if (frames.some(countsChange)) refresh();
    announceFrames(frames);
  });
  const live = new LiveFeed({
    open: openSocket,
    poll,
    deliver: (frames) => {
      attend(frames);
      noteArrivals(frames);
      flushed.push(frames);
      if (flushed.paused) report({ waiting: flushed.size });
    },
    resync: refetch,
    signedOut: sessionEnded,
    serverTime: learnServerTime,
    random: Math.random,
    now: serverNow,
  });
  return { feed: live, buffer: flushed };
}

/** Keeps the whole cache live while a person is signed in: one socket for everything in their reach. */
export function useLiveFeed(transport: "auto" | "polling"): void {
  const cache = useQueryClient();
  useEffect(() => {
    const created = createFeed(cache);
    feed = created.feed;
    buffer = created.buffer;
    created.feed.start(transport);
    const comeBack = () => {
      if (document.hidden) return;
      unseen.set(0);
      if (!created.buffer.paused) created.buffer.flush();
      if (liveStatus.get().state === "disconnected") created.feed.retryNow();
    };
    const online = () => created.feed.retryNow();
    document.addEventListener("visibilitychange", comeBack);
    window.addEventListener("online", online);
    return () => {
      document.removeEventListener("visibilitychange", comeBack);
      window.removeEventListener("online", online);
      created.feed.stop();
      forget();
      feed = null;
      buffer = null;
    };
  }, [cache, transport]);
}
