import { useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import type { Incident, TimelineEntry } from "@/api/types";

const inCompany = (company: string | null) => (company ? { query: { company_id: [company] } } : {});

/** One incident; what live changes brought while the fetch was under way wins over an older answer. */
export function useIncident(id: string, company: string | null) {
  const cache = useQueryClient();
  return useQuery({
    queryKey: keys.incident(id),
    queryFn: async ({ signal }) => {
      const fetched = await body(
        api.GET("/api/incidents/{incident_id}", {
          params: { path: { incident_id: id }, ...inCompany(company) },
          signal,
        }),
      );
      const held = cache.getQueryData<Incident>(keys.incident(id));
      return held && held.revision > fetched.revision ? held : fetched;
    },
  });
}

export function useTimeline(incident: Incident) {
  const cache = useQueryClient();
  return useQuery({
    queryKey: keys.timeline(incident.id),
    queryFn: async ({ signal }) => {
      const fetched = await body(
        api.GET("/api/incidents/{incident_id}/timeline", {
          params: { path: { incident_id: incident.id }, query: { company_id: [incident.company_id] } },
          signal,
        }),
      );
      const known = new Set(fetched.map((entry) => entry.id));
      const last = fetched.at(-1)?.at ?? "";
      const since = (cache.getQueryData<TimelineEntry[]>(keys.timeline(incident.id)) ?? []).filter(
        (entry) => !known.has(entry.id) && entry.at >= last,
      );
      return [...fetched, ...since];
    },
  });
}

export const useRelated = (incident: Incident) =>
  useQuery({
    queryKey: keys.related(incident.id),
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/incidents/{incident_id}/related", {
          params: { path: { incident_id: incident.id }, query: { company_id: [incident.company_id] } },
          signal,
        }),
      ),
  });
