import { plural } from "../format";

export const live = {
  connecting: "Connecting",
  live: "Live",
  polling: "Polling",
  disconnected: "Disconnected",
  paused: (n: number) => `Paused · ${n} waiting`,
  lag: (ms: number) =>
    ms < 1000 ? `${Math.max(0.1, Math.round(ms / 100) / 10)} s` : `${Math.round(ms / 1000)} s`,
  old: (span: string) => `${span} old`,
  retryIn: (span: string) => `retry in ${span}`,
  retryNow: "Retry now",
  caughtUp: (n: number) => `caught up: ${plural(n, "change", "changes")}`,
  detail: "Live connection",
  transport: "Transport",
  socket: "WebSocket",
  pollingTransport: "Polling each 30 s",
  lastEvent: "Last event",
  medianLag: "Lag, median",
  reconnects: "Reconnects",
  pause: "Pause",
  resume: "Resume",
  notices: "Desktop notices while this tab is hidden",
  noticesImpossible: "Desktop notices need HTTPS or localhost.",
  noticesDenied: "The browser does not allow notices from this site.",
  manyIncidents: (n: number) => `${n} new incidents`,
  summary: (alerts: number, critical: number, incidents: number) =>
    [
      alerts > 0 ? `${plural(alerts, "new alert", "new alerts")}, ${critical} critical` : "",
      incidents > 0 ? plural(incidents, "new incident", "new incidents") : "",
    ]
      .filter(Boolean)
      .join("; "),
};
