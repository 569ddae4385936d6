/** The documents that the server speaks. Instants are ISO-8601 UTC strings of fixed width, so they also sort as text. */
export type Instant = string;

export type Severity = "critical" | "high" | "medium" | "low" | "info" | "unknown";
export type AlertStatus = "active" | "acknowledged" | "resolved";
export type IncidentStatus = "new" | "in_progress" | "escalated" | "resolved";
export type Role = "msp_admin" | "company_admin" | "technician" | "client";

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  company_ids: string[];
  active: boolean;
  created_at: Instant;
}

export interface Me {
  user: User;
  companies: { id: string; name: string }[];
  verbs: string[];
  server_time: Instant;
  live_transport: "auto" | "polling";
  version: string;
}

export interface Company {
  id: string;
  name: string;
  contact_email: string | null;
  time_zone: string | null;
  maintenance_window: unknown;
  created_at: Instant;
  demo: boolean;
}

export interface CompanySummary {
  company_id: string;
  open_incidents: number;
  open_critical: number;
  unacknowledged: number;
  active_alerts: number;
  alerts_last_hour: number;
  last_alert_at: Instant | null;
}

export type ReasonKind =
  "opened" | "same_key" | "repeat" | "reopened" | "bound" | "minimum" | "manual" | "off";

/** Why an alert is where it is: in words, and in the data behind the words. */
export interface Reason {
  kind: ReasonKind;
  sentence: string;
  fields: Record<string, string>;
  window_minutes: number | null;
  gap_seconds: number | null;
  peer_alert_id: string | null;
  linked_incident_id: string | null;
  score: number | null;
  config_version: number | string | null;
}

export interface Alert {
  id: string;
  company_id: string;
  asset_name: string;
  signature: string;
  severity: Severity;
  message: string;
  tool_source: string;
  timestamp: Instant;
  received_at: Instant;
  last_received_at: Instant;
  status: AlertStatus;
  acknowledged_at: Instant | null;
  resolved_at: Instant | null;
  resolved_by: string | null;
  priority_score: number;
  correlated_incident_id: string | null;
  delivery_id: string | null;
  delivery_attempts: number;
  dedup_key: string;
  stable_key: string;
  occurrences: number;
  labels: Record<string, string>;
  urls: string[];
  reason: Reason | null;
  metadata: Record<string, unknown>;
}

export interface PriorityFactor {
  name: string;
  points: number;
  detail: string;
}

export interface Incident {
  id: string;
  company_id: string;
  title: string;
  description: string;
  status: IncidentStatus;
  severity: Severity;
  priority_score: number;
  factors: PriorityFactor[];
  correlation_key: string;
  key_fields: Record<string, string>;
  alert_count: number;
  occurrences: number;
  open_alert_count: number;
  severity_counts: Partial<Record<Severity, number>>;
  tool_sources: string[];
  asset_names: string[];
  asset_count: number;
  assigned_to: string | null;
  assigned_name: string | null;
  assigned_at: Instant | null;
  acknowledged_at: Instant | null;
  acknowledged_by: string | null;
  resolved_at: Instant | null;
  resolved_by: string | null;
  resolution_notes: string | null;
  escalated: boolean;
  escalation_level: number;
  snoozed_until: Instant | null;
  merged_into: string | null;
  merged_from: string[];
  linked_incident_id: string | null;
  first_alert_at: Instant | null;
  last_alert_at: Instant | null;
  window_closes_at: Instant | null;
  reason: Reason | null;
  revision: number;
  metadata: Record<string, unknown>;
  created_at: Instant;
  updated_at: Instant;
}

export interface TimelineEntry {
  id: string;
  company_id: string;
  incident_id: string;
  at: Instant;
  kind: string;
  verb: string | null;
  actor: { kind: string; id: string | null; name: string | null } | null;
  text: string;
  /** Field → [before, after]. */
  changes: Record<string, unknown[]>;
  undone: boolean;
  details: Record<string, unknown>;
}

export interface Asset {
  id: string;
  company_id: string;
  name: string;
  type: string | null;
  critical: boolean;
  tags: string[];
  dependencies: string[];
  first_seen_at: Instant | null;
  last_seen_at: Instant | null;
}

export const DISPOSITIONS = [
  "grouped",
  "occurrence",
  "resolved",
  "duplicate",
  "suppressed",
  "ungrouped",
  "control",
  "rejected",
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

export type LedgerCounts = Record<Disposition | "received", number>;
export interface Ledger {
  rows: (LedgerCounts & { hour: Instant; balanced: boolean })[];
  totals: LedgerCounts;
  balanced: boolean;
  global?: Record<string, number> | null;
}

export interface AuditEntry {
  id: string;
  company_id: string;
  timestamp: Instant;
  action: string;
  user_id: string | null;
  user_name: string | null;
  ip_address: string | null;
  details: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}

export interface AuditVerdict {
  ok: boolean;
  checked: number;
  first_bad?: string | null;
}

export interface Overview {
  open: number;
  open_critical: number;
  unacknowledged: number;
  active_alerts: number;
  alerts_per_minute: number[];
  received_today: number;
  incidents_opened_today: number;
  noise_reduction_percent: number | null;
  noise_reason: string | null;
  last_resolved_at: Instant | null;
  cursors: Record<string, number>;
}

export interface AlertFacets {
  status: Record<string, number>;
  severity: Record<string, number>;
  tool_source: Record<string, number>;
  asset_name: Record<string, number>;
  sampled: number;
}

export interface CorrelationConfig {
  time_window_minutes: number;
  aggregation_key: string | string[];
  min_alerts_for_incident: number;
  auto_correlate: boolean;
  resolve_with_alerts: boolean;
  resolve_quiet_minutes: number;
  reopen_hours: number;
  weights: Record<string, unknown>;
}

export interface RateLimitConfig {
  requests_per_minute: number;
  burst_size: number;
  enabled: boolean;
}

export interface WebhookSecurityConfig {
  hmac_enabled: boolean;
  signature_header: string;
  timestamp_header: string;
  max_skew_seconds: number;
  has_secret: boolean;
  previous_valid_until: Instant | null;
}

export interface CompanyConfigs {
  correlation: CorrelationConfig;
  rate_limit: RateLimitConfig;
  webhook_security: WebhookSecurityConfig;
}
export type ConfigType = keyof CompanyConfigs;

export interface IngestAnswer {
  alert_id: string | null;
  incident_id: string | null;
  disposition: Disposition;
  duplicate: boolean;
  reason: unknown;
}

/** RFC 9457, with the ids that support asks for and, on a conflict, what the document is now. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  field?: string;
  request_id?: string;
  current?: unknown;
}
