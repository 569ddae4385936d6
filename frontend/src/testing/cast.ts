import type { Frame, FrameOf, FramePayloads, FrameType } from "@/api/frames";
import type { Alert, Incident, Me, Reason, TimelineEntry } from "@/api/types";

/** The fixed cast of the tests: Acme with Ada, Carl, Rio and Vic; Globex with Eve, who must see nothing of Acme. */
export const ACME = "acme";
export const GLOBEX = "globex";

const at = (second: number): string => `2026-11-21T11:00:${String(second).padStart(2, "0")}.000000Z`;

export const reason: Reason = {
  kind: "same_key",
  sentence: "Same asset and signature within 15 minutes.",
  fields: { asset_name: "db-01", signature: "disk_full" },
  window_minutes: 15,
  gap_seconds: 42,
  peer_alert_id: null,
  linked_incident_id: null,
  score: 1,
  config_version: 3,
};

export function anAlert(change: Partial<Alert> = {}): Alert {
  return {
    id: "alert-1",
    company_id: ACME,
    asset_name: "db-01",
    signature: "disk_full",
    severity: "critical",
    message: "Disk 96 % full",
    tool_source: "Zabbix",
    timestamp: at(1),
    received_at: at(1),
    last_received_at: at(1),
    status: "active",
    acknowledged_at: null,
    resolved_at: null,
    resolved_by: null,
    priority_score: 90,
    correlated_incident_id: "incident-1",
    delivery_id: "",
    delivery_attempts: 1,
    dedup_key: "db-01|disk_full",
    stable_key: "db-01|disk_full",
    occurrences: 1,
    labels: {},
    urls: [],
    reason,
    metadata: {},
    ...change,
  };
}

export function anIncident(change: Partial<Incident> = {}): Incident {
  return {
    id: "incident-1",
    company_id: ACME,
    title: "disk_full on db-01",
    description: "",
    status: "new",
    severity: "critical",
    priority_score: 92,
    factors: [],
    correlation_key: "db-01|disk_full",
    bound_keys: [],
    alert_count: 1,
    occurrences: 1,
    open_alert_count: 1,
    severity_counts: { critical: 1 },
    tool_sources: ["Zabbix"],
    asset_names: ["db-01"],
    asset_count: 1,
    critical_asset: false,
    assigned_to: null,
    assigned_name: null,
    assigned_at: null,
    acknowledged_at: null,
    acknowledged_by: null,
    resolved_at: null,
    resolved_by: null,
    resolution_notes: "",
    cause: "",
    escalated: false,
    escalation_level: 0,
    snoozed_until: null,
    merged_into: null,
    merged_from: [],
    linked_incident_id: null,
    first_alert_at: at(1),
    last_alert_at: at(1),
    last_alert_id: "alert-1",
    reason,
    revision: 1,
    metadata: {},
    created_at: at(1),
    updated_at: at(1),
    ...change,
  };
}

export function anEntry(change: Partial<TimelineEntry> = {}): TimelineEntry {
  return {
    id: "entry-1",
    company_id: ACME,
    incident_id: "incident-1",
    at: at(1),
    kind: "created",
    verb: "",
    actor: { kind: "source", id: "", name: "Zabbix", role: null, ip_address: null },
    text: "Opened by the first alert",
    changes: {},
    undone: false,
    internal: false,
    details: {},
    ...change,
  };
}

export const rio: Me = {
  user: {
    id: "rio",
    email: "rio@msp.example",
    name: "Rio",
    role: "technician",
    company_ids: [ACME],
    active: true,
    created_at: at(0),
  },
  companies: [{ id: ACME, name: "Acme" }],
  verbs: ["incident.read", "incident.acknowledge", "incident.undo"],
  server_time: at(0),
  live_transport: "auto",
  version: "0.0.0",
};

export function frame<T extends FrameType>(id: string, type: T, data: FramePayloads[T]): Frame {
  const made: FrameOf<T> = { id, type, data, timestamp: at(5) };
  return made as Frame;
}
