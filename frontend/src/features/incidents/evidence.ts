import type { Alert, Incident } from "@/api/types";

/** One field that the alerts of an incident share, and for how many of those that were looked at it holds. */
export interface SharedField {
  name: string;
  value: string;
  covers: number;
}

function valueOf(alert: Alert, field: string): string | undefined {
  switch (field) {
    case "asset":
    case "asset_name":
      return alert.asset_name;
    case "signature":
      return alert.signature;
    case "tool":
    case "tool_source":
      return alert.tool_source;
    case "severity":
      return alert.severity;
    default:
      return alert.labels[field.replace(/^labels\./, "")];
  }
}

/** How far each field of the correlation key really holds over the alerts, hand-moved ones included. */
export function sharedFields(incident: Incident, alerts: readonly Alert[]): SharedField[] {
  return Object.entries(incident.reason.fields).map(([name, value]) => ({
    name,
    value,
    covers: alerts.filter((alert) => valueOf(alert, name) === value).length,
  }));
}

/** Alerts that a person put here, by a split, a merge or by hand. */
export const joinedByHand = (alerts: readonly Alert[]): number =>
  alerts.filter((alert) => alert.reason?.kind === "manual" || alert.reason?.kind === "bound").length;
