import type { AlertFilter, Incident, IncidentFilter } from "./types";

/** Every key of the cache. The live patches find the lists they must touch by these. */
export const keys = {
  me: ["me"] as const,
  alerts: (filter: AlertFilter) => ["alerts", "list", filter] as const,
  alertsOf: (incident: Incident) =>
    [
      "alerts",
      "list",
      { company_id: [incident.company_id], incident_ids: [incident.id, ...incident.merged_from] },
    ] as [string, string, { company_id: string[]; incident_ids: string[] }],
  alertLists: ["alerts", "list"] as const,
  alertFacets: (filter: AlertFilter) => ["alerts", "facets", filter] as const,
  alertFacetLists: ["alerts", "facets"] as const,
  incidents: (filter: IncidentFilter) => ["incidents", "list", filter] as const,
  incidentLists: ["incidents", "list"] as const,
  incident: (id: string) => ["incidents", "one", id] as const,
  incidentOnes: ["incidents", "one"] as const,
  timeline: (id: string) => ["timeline", id] as const,
  timelines: ["timeline"] as const,
  related: (id: string) => ["incidents", "related", id] as const,
  relatedLists: ["incidents", "related"] as const,
  assets: (companies: string[], text: string) => ["assets", "list", companies, text] as const,
  assetLists: ["assets", "list"] as const,
  companies: ["companies"] as const,
  summary: (id: string) => ["summary", id] as const,
  summaries: ["summary"] as const,
  config: (id: string, type: string) => ["config", id, type] as const,
  users: ["users"] as const,
  overview: (companies: string[]) => ["overview", companies] as const,
  overviews: ["overview"] as const,
  ledger: (companies: string[], hours: number) => ["ledger", companies, hours] as const,
  ledgers: ["ledger"] as const,
  audit: (chain: string) => ["audit", "entries", chain] as const,
  auditVerdict: (chain: string) => ["audit", "verdict", chain] as const,
};
