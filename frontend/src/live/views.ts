import type { Alert, AlertFilter, Asset, Incident, IncidentFilter } from "@/api/types";

import type { View } from "./rows";

const has = (list: string[] | undefined, value: string): boolean => !list?.length || list.includes(value);

const within = (
  instant: string,
  since: string | null | undefined,
  until: string | null | undefined,
): boolean => (!since || instant >= since) && (!until || instant < until);

const contains = (text: string | undefined, ...fields: string[]): boolean => {
  const wanted = text?.trim().toLowerCase();
  return !wanted || fields.some((field) => field.toLowerCase().includes(wanted));
};

const descending = (one: string, other: string): number => (one < other ? 1 : one > other ? -1 : 0);

/** What a list of alerts shows; `incident_ids` is an incident with those that were merged into it. */
export type AlertScope = AlertFilter & { incident_ids?: string[] };

export function alertView(filter: AlertScope): View<Alert> {
  return {
    matches: (alert) =>
      has(filter.company_id, alert.company_id) &&
      has(filter.status, alert.status) &&
      has(filter.severity, alert.severity) &&
      (!filter.asset || alert.asset_name === filter.asset) &&
      (!filter.tool || alert.tool_source === filter.tool) &&
      (!filter.incident_id || alert.correlated_incident_id === filter.incident_id) &&
      has(filter.incident_ids, alert.correlated_incident_id ?? "") &&
      within(alert.received_at, filter.since, filter.until) &&
      contains(filter.text, alert.message, alert.signature, alert.asset_name),
    // Ids are time-ordered: this is the server's own order, and its cursor's.
    compare: (one, other) => descending(one.id, other.id),
    isNewer: (next, held) =>
      next.last_received_at > held.last_received_at ||
      (next.last_received_at === held.last_received_at && next.occurrences >= held.occurrences),
  };
}

function statusMatches(wanted: string[] | undefined, status: Incident["status"]): boolean {
  if (!wanted?.length) return true;
  return wanted.includes(status) || (wanted.includes("open") && status !== "resolved");
}

function assigneeMatches(wanted: string | undefined, assignee: string | null): boolean {
  if (!wanted) return true;
  return wanted === "nobody" ? assignee === null : assignee === wanted;
}

export function incidentView(filter: IncidentFilter): View<Incident> {
  const byPriority = filter.sort === "priority";
  return {
    matches: (incident) =>
      has(filter.company_id, incident.company_id) &&
      statusMatches(filter.status, incident.status) &&
      has(filter.severity, incident.severity) &&
      assigneeMatches(filter.assigned_to, incident.assigned_to) &&
      (filter.merged === true || incident.merged_into === null) &&
      (!filter.asset || incident.asset_names.includes(filter.asset)) &&
      within(incident.created_at, filter.since, filter.until) &&
      contains(filter.text, incident.title, incident.id, ...incident.asset_names),
    compare: (one, other) =>
      (byPriority ? other.priority_score - one.priority_score : 0) || descending(one.id, other.id),
    isNewer: (next, held) => next.revision >= held.revision,
  };
}

export const assetView = (companies: string[], text: string): View<Asset> => ({
  matches: (asset) =>
    has(companies, asset.company_id) && contains(text, asset.name, asset.type, ...asset.tags),
  compare: (one, other) => one.name.localeCompare(other.name) || descending(other.id, one.id),
  isNewer: () => true,
});
