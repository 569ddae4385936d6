import type { Alert } from "@/api/types";
import type { CsvColumn } from "@/lib/csv";

/** What a file of alerts holds; the titles are the names of the API. */
export const alertCsv = (companyName: (id: string) => string): CsvColumn<Alert>[] => [
  ["id", (alert) => alert.id],
  ["received_at", (alert) => alert.received_at],
  ["last_received_at", (alert) => alert.last_received_at],
  ["company", (alert) => companyName(alert.company_id)],
  ["severity", (alert) => alert.severity],
  ["status", (alert) => alert.status],
  ["asset_name", (alert) => alert.asset_name],
  ["signature", (alert) => alert.signature],
  ["message", (alert) => alert.message],
  ["tool_source", (alert) => alert.tool_source],
  ["occurrences", (alert) => alert.occurrences],
  ["incident_id", (alert) => alert.correlated_incident_id],
  ["acknowledged_at", (alert) => alert.acknowledged_at],
  ["resolved_at", (alert) => alert.resolved_at],
  ["labels", (alert) => JSON.stringify(alert.labels)],
];
