import type { Incident } from "@/api/types";
import type { CsvColumn } from "@/lib/csv";

/** What a file of incidents holds; the titles are the names of the API. */
export const incidentCsv = (companyName: (id: string) => string): CsvColumn<Incident>[] => [
  ["id", (incident) => incident.id],
  ["created_at", (incident) => incident.created_at],
  ["company", (incident) => companyName(incident.company_id)],
  ["severity", (incident) => incident.severity],
  ["status", (incident) => incident.status],
  ["title", (incident) => incident.title],
  ["priority_score", (incident) => incident.priority_score],
  ["alert_count", (incident) => incident.alert_count],
  ["occurrences", (incident) => incident.occurrences],
  ["asset_names", (incident) => incident.asset_names.join("; ")],
  ["tool_sources", (incident) => incident.tool_sources.join("; ")],
  ["assigned_name", (incident) => incident.assigned_name],
  ["acknowledged_at", (incident) => incident.acknowledged_at],
  ["resolved_at", (incident) => incident.resolved_at],
  ["cause", (incident) => incident.cause],
  ["resolution_notes", (incident) => incident.resolution_notes],
];
