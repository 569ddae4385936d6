import { notifyManager, type QueryClient } from "@tanstack/react-query";

import type { Frame, FramePayloads, FrameType } from "@/api/frames";
import { keys } from "@/api/keys";
import type { Alert, IncidentFilter, Asset, Company, Incident, Overview, TimelineEntry } from "@/api/types";

import { mergeRows, type RowList, type View } from "./rows";
import { alertView, assetView, incidentView, type AlertScope } from "./views";

const newest = <T extends { id: string }>(documents: T[]): Map<string, T> =>
  new Map(documents.map((document) => [document.id, document]));

/** Merges documents into each cached list under a key prefix; the third part of the key says what the list shows. */
function patchLists<T extends { id: string }>(
  cache: QueryClient,
  prefix: readonly string[],
  changed: ReadonlyMap<string, T>,
  viewOf: (key: readonly unknown[]) => View<T>,
): void {
  for (const [key, list] of cache.getQueriesData<RowList<T>>({ queryKey: prefix })) {
    if (!list) continue;
    const merged = mergeRows(list, changed, viewOf(key));
    if (merged !== list) cache.setQueryData(key, merged);
  }
}

export function patchIncidents(cache: QueryClient, documents: Incident[]): void {
  const changed = newest(documents);
  patchLists(cache, keys.incidentLists, changed, (key) => incidentView(key[2] as IncidentFilter));
  for (const [key, held] of cache.getQueriesData<Incident>({ queryKey: keys.incidentOnes })) {
    const next = changed.get(String(key[2]));
    if (held && next && held.revision <= next.revision) cache.setQueryData(key, next);
  }
}

export function patchAlerts(cache: QueryClient, documents: Alert[]): void {
  patchLists(cache, keys.alertLists, newest(documents), (key) => alertView(key[2] as AlertScope));
}

/** Adds entries to the timelines that are open; an entry that is there is replaced (it may have been undone). */
function patchTimeline(cache: QueryClient, entries: TimelineEntry[]): void {
  for (const [key, held] of cache.getQueriesData<TimelineEntry[]>({ queryKey: keys.timelines })) {
    const fresh = entries.filter((entry) => entry.incident_id === key[1]);
    if (!held || fresh.length === 0) continue;
    const changed = newest(fresh);
    const rest = held.filter((entry) => !changed.has(entry.id));
    cache.setQueryData(
      key,
      [...rest, ...changed.values()].sort((one, other) => one.at.localeCompare(other.at)),
    );
  }
}

function patchAssets(cache: QueryClient, assets: Asset[]): void {
  patchLists(cache, keys.assetLists, newest(assets), (key) =>
    assetView(key[2] as string[], key[3] as string),
  );
}

function dropAssets(cache: QueryClient, gone: { id: string }[]): void {
  const ids = new Set(gone.map((asset) => asset.id));
  cache.setQueriesData<RowList<Asset>>({ queryKey: keys.assetLists }, (held) =>
    held?.rows.some((row) => ids.has(row.id))
      ? { ...held, rows: held.rows.filter((row) => !ids.has(row.id)) }
      : held,
  );
}

function patchCompanies(cache: QueryClient, companies: Company[]): void {
  const changed = newest(companies);
  cache.setQueryData<Company[]>(keys.companies, (held) => {
    if (!held) return held;
    const known = new Set(held.map((company) => company.id));
    const added = [...changed.values()].filter((company) => !known.has(company.id));
    return [...held.map((company) => changed.get(company.id) ?? company), ...added];
  });
}

/** Counts arrivals into the current minute; the other figures of the overview come with its next read. */
function countArrivals(cache: QueryClient, alerts: Alert[]): void {
  for (const [key, held] of cache.getQueriesData<Overview>({ queryKey: keys.overviews })) {
    const companies = key[1] as string[];
    const n = companies.length
      ? alerts.filter((alert) => companies.includes(alert.company_id)).length
      : alerts.length;
    if (!held || n === 0) continue;
    const minutes = held.alerts_per_minute.slice();
    minutes[minutes.length - 1] = (minutes.at(-1) ?? 0) + n;
    cache.setQueryData<Overview>(key, {
      ...held,
      alerts_per_minute: minutes,
      received_today: held.received_today + n,
    });
  }
}

type Patched = Exclude<FrameType, "hello" | "storm" | "resync" | "notification">;
type Patches = { [T in Patched]: (cache: QueryClient, payloads: FramePayloads[T][]) => void };

/** The one table: type of event → how the cache takes it in. The socket, polling and our own verbs all come through here. */
export const patches: Patches = {
  alert_received: (cache, alerts) => {
    patchAlerts(cache, alerts);
    countArrivals(cache, alerts);
  },
  alert_updated: patchAlerts,
  incident_created: patchIncidents,
  incident_updated: patchIncidents,
  timeline: patchTimeline,
  asset_updated: patchAssets,
  asset_deleted: dropAssets,
  company_updated: patchCompanies,
};

const order = Object.keys(patches) as Patched[];

/** Takes a batch of frames into the cache, each kind once. True when the batch says that lists must be read anew. */
export function applyFrames(cache: QueryClient, frames: readonly Frame[]): boolean {
  notifyManager.batch(() => {
    for (const type of order) {
      const payloads = frames.filter((frame) => frame.type === type).map((frame) => frame.data);
      // The filter ties payloads to their type; the compiler cannot follow that through a lookup by key.
      if (payloads.length > 0)
        (patches[type] as (cache: QueryClient, payloads: unknown[]) => void)(cache, payloads);
    }
  });
  return frames.some((frame) => frame.type === "storm" || frame.type === "resync");
}
