import { keepPreviousData, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { api, page, type Page } from "@/api/client";
import type { FrameType } from "@/api/frames";
import { keys } from "@/api/keys";
import type { Alert, AlertFilter, IncidentFilter, Incident } from "@/api/types";

import { caughtUp } from "./recent";
import type { RowList, View } from "./rows";
import { noteSnapshot } from "./useLiveFeed";
import { alertView, incidentView } from "./views";

const PAGE = 200;
const PAGE_AT_MOST = 1000;

type Fetch<T> = (cursor: string | undefined, limit: number, signal?: AbortSignal) => Promise<Page<T>>;

interface Source<T> {
  key: readonly unknown[];
  types: readonly FrameType[];
  view: View<T>;
  fetch: Fetch<T>;
  limit?: number;
  /** Whether the rows of the key before stand in until those of a new key are there. */
  keepsWhileChanging?: boolean;
}

/** Reads the list anew, as far as it had been read: whoever is far down in it must not lose their place. */
async function firstPage<T extends { id: string }>(
  source: Source<T>,
  pages: number,
  signal: AbortSignal,
): Promise<RowList<T>> {
  const limit = Math.min(PAGE_AT_MOST, (source.limit ?? PAGE) * pages);
  const { rows, next, cursors } = await source.fetch(undefined, limit, signal);
  noteSnapshot(cursors);
  return caughtUp({ rows, next, pages }, cursors, source.types, source.view);
}

async function nextPage<T extends { id: string }>(cache: QueryClient, source: Source<T>): Promise<void> {
  const held = cache.getQueryData<RowList<T>>(source.key);
  if (!held?.next) return;
  const { rows, next } = await source.fetch(held.next, source.limit ?? PAGE);
  cache.setQueryData<RowList<T>>(source.key, (current) => {
    if (current?.next !== held.next) return current;
    const known = new Set(current.rows.map((row) => row.id));
    const more = rows.filter((row) => !known.has(row.id));
    return { rows: [...current.rows, ...more], next, pages: (current.pages ?? 1) + 1 };
  });
}

/** One live list: fetched once, then kept current by the patches; more pages on demand. */
function useRowList<T extends { id: string }>(source: Source<T>) {
  const cache = useQueryClient();
  const query = useQuery<RowList<T>>({
    queryKey: source.key,
    queryFn: ({ signal }) =>
      firstPage(source, cache.getQueryData<RowList<T>>(source.key)?.pages ?? 1, signal),
    staleTime: 60_000,
    ...(source.keepsWhileChanging ? { placeholderData: keepPreviousData<RowList<T>> } : {}),
  });
  const more = () => void nextPage(cache, source);
  return { ...query, rows: query.data?.rows, hasMore: query.data?.next != null, more };
}

const paging = (limit: number, cursor: string | undefined) => ({ limit, ...(cursor ? { cursor } : {}) });
const aborting = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

/** Pages of the incidents that a filter matches. */
export const incidentPages =
  (filter: IncidentFilter): Fetch<Incident> =>
  (cursor, limit, signal) =>
    page(
      api.GET("/api/incidents", {
        params: { query: { ...filter, ...paging(limit, cursor) } },
        ...aborting(signal),
      }),
    );

/** Pages of the alerts that a filter matches. */
export const alertPages =
  (filter: AlertFilter): Fetch<Alert> =>
  (cursor, limit, signal) =>
    page(
      api.GET("/api/alerts", {
        params: { query: { ...filter, ...paging(limit, cursor) } },
        ...aborting(signal),
      }),
    );

/** The same pages as large as they come, for who reads to the end. */
export const largePages =
  <T>(fetch: Fetch<T>) =>
  (cursor: string | undefined, signal: AbortSignal): Promise<Page<T>> =>
    fetch(cursor, PAGE_AT_MOST, signal);

export function useIncidentList(filter: IncidentFilter, limit = PAGE) {
  return useRowList<Incident>({
    key: keys.incidents(filter),
    types: ["incident_created", "incident_updated"],
    view: incidentView(filter),
    fetch: incidentPages(filter),
    limit,
  });
}

export function useAlertList(filter: AlertFilter, limit = PAGE) {
  return useRowList<Alert>({
    key: keys.alerts(filter),
    types: ["alert_received", "alert_updated"],
    view: alertView(filter),
    fetch: alertPages(filter),
    limit,
  });
}

/** The alerts of one incident, and of those that were merged into it. */
export function useIncidentAlerts(incident: Incident) {
  const key = keys.alertsOf(incident);
  return useRowList<Alert>({
    key,
    types: ["alert_received", "alert_updated"],
    view: alertView(key[2]),
    keepsWhileChanging: true,
    fetch: (cursor, limit, signal) =>
      page(
        api.GET("/api/incidents/{incident_id}/alerts", {
          params: {
            path: { incident_id: incident.id },
            query: { company_id: [incident.company_id], ...paging(limit, cursor) },
          },
          ...aborting(signal),
        }),
      ),
  });
}
