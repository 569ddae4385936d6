import type { Alert, Asset, Company, Incident, Instant, TimelineEntry } from "./types";

/** What each live frame carries, by its type. */
export interface FramePayloads {
  alert_received: Alert;
  alert_updated: Alert;
  incident_created: Incident;
  incident_updated: Incident;
  timeline: TimelineEntry;
  asset_updated: Asset;
  asset_deleted: Pick<Asset, "id" | "company_id" | "name">;
  company_updated: Company;
  notification: Record<string, unknown>;
  storm: { alerts: number; incidents: number; reason: string };
  hello: { cursors: Record<string, number>; server_time: Instant };
  resync: Record<string, unknown> | null;
}

export type FrameType = keyof FramePayloads;

export interface FrameOf<T extends FrameType> {
  /** `company:seq:n`; the order of one company's facts. Empty on frames of the connection itself. */
  id: string;
  type: T;
  data: FramePayloads[T];
  timestamp: Instant;
}

export type Frame = { [T in FrameType]: FrameOf<T> }[FrameType];

/** What `GET /api/events` answers; its document leaves the frames open, since they differ by type. */
export interface EventsAnswer {
  frames: Frame[];
  cursors: Record<string, number>;
  resync: boolean;
}
