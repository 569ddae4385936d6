import type { components, operations } from "./schema";

type Schemas = components["schemas"];

/** The documents of the server by the names that the browser uses. Instants are ISO-8601 UTC strings of fixed width. */
export type Instant = string;
export type User = Schemas["PublicUser"];
export type Me = Schemas["Me"];
export type Company = Schemas["PublicCompany"];
export type CompanySummary = Schemas["CompanySummary"];
export type Reason = Schemas["Reason"];
export type Alert = Schemas["Alert"];
export type Incident = Schemas["Incident"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Asset = Schemas["Asset"];
export type Ledger = Schemas["LedgerReport"];
export type AuditEntry = Schemas["AuditEntry"];
export type Overview = Schemas["Overview"];
export type IngestAnswer = Schemas["OneResult"];
/** RFC 9457, with the request's id and, on a conflict, what the document is now. */
export type Problem = Schemas["Problem"];

export type Role = User["role"];
export type Severity = Alert["severity"];
export type AlertStatus = Alert["status"];

export interface CompanyConfigs {
  correlation: Schemas["CorrelationConfig"];
  rate_limit: Schemas["RateLimitConfig"];
  webhook_security: Schemas["PublicWebhookSecurity"];
}
export type ConfigType = keyof CompanyConfigs;

type Query<Operation extends keyof operations> = NonNullable<operations[Operation]["parameters"]["query"]>;
export type AlertFilter = Omit<Query<"list_alerts">, "limit" | "cursor">;
export type IncidentFilter = Omit<Query<"list_incidents">, "limit" | "cursor">;

export const DISPOSITIONS = [
  "grouped",
  "occurrence",
  "resolved",
  "duplicate",
  "suppressed",
  "ungrouped",
  "control",
  "rejected",
] as const satisfies readonly IngestAnswer["disposition"][];
