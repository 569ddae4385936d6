import type { Alert, Severity } from "@/api/types";
import { severityOrder } from "@/components/SeverityFilter";

/** Alerts of one incident (or of none), with what they have in common lifted to the head. */
export interface AlertGroup {
  id: string;
  incidentId: string | null;
  companyId: string;
  alerts: Alert[];
  occurrences: number;
  severity: Severity;
  shared: [name: string, value: string][];
  lastAt: string;
}

const rank = (severity: Severity): number => severityOrder.indexOf(severity);

const fields: [string, (alert: Alert) => string][] = [
  ["asset", (alert) => alert.asset_name],
  ["signature", (alert) => alert.signature],
  ["tool", (alert) => alert.tool_source],
];

function sharedOf(alerts: readonly Alert[]): [string, string][] {
  const [first, ...rest] = alerts;
  if (!first) return [];
  const labels: [string, (alert: Alert) => string | undefined][] = Object.keys(first.labels).map((name) => [
    name,
    (alert) => alert.labels[name],
  ]);
  return [...fields, ...labels].flatMap(([name, of]) => {
    const value = of(first);
    return value !== undefined && rest.every((alert) => of(alert) === value)
      ? [[name, value] as [string, string]]
      : [];
  });
}

/** Groups in the order of their newest alert. An alert outside every incident stands alone. */
export function groupAlerts(alerts: readonly Alert[]): AlertGroup[] {
  const byIncident = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const key = alert.correlated_incident_id ?? `alert-${alert.id}`;
    const members = byIncident.get(key);
    if (members) members.push(alert);
    else byIncident.set(key, [alert]);
  }
  return [...byIncident].map(([id, members]) => ({
    id,
    incidentId: members[0]?.correlated_incident_id ?? null,
    companyId: members[0]?.company_id ?? "",
    alerts: members,
    occurrences: members.reduce((sum, alert) => sum + alert.occurrences, 0),
    severity: members.reduce<Severity>(
      (worst, alert) => (rank(alert.severity) < rank(worst) ? alert.severity : worst),
      members[0]?.severity ?? "unknown",
    ),
    shared: sharedOf(members),
    lastAt: members.reduce(
      (last, alert) => (alert.last_received_at > last ? alert.last_received_at : last),
      "",
    ),
  }));
}

const HOUR_MS = 3_600_000;

/** How many alerts of a group began in each of the last 24 hours, oldest first. */
export function hourStrip(alerts: readonly Alert[], now: number): number[] {
  const hours = new Array<number>(24).fill(0);
  for (const alert of alerts) {
    const ago = Math.max(0, Math.floor((now - Date.parse(alert.timestamp)) / HOUR_MS));
    const slot = 23 - ago;
    if (slot >= 0 && slot < 24) hours[slot] = (hours[slot] ?? 0) + 1;
  }
  return hours;
}
