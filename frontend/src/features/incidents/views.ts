import type { IncidentFilter, Severity } from "@/api/types";
import { t } from "@/lib/strings";

export type ViewName = keyof typeof t.incidents.views;

export const viewNames = Object.keys(t.incidents.views) as ViewName[];

const definitions: Record<ViewName, (userId: string) => IncidentFilter> = {
  open: () => ({ status: ["open"], sort: "priority" }),
  mine: (userId) => ({ status: ["open"], assigned_to: userId, sort: "priority" }),
  unacknowledged: () => ({ status: ["new"], sort: "priority" }),
  critical: () => ({ status: ["open"], severity: ["critical"], sort: "priority" }),
  resolved: () => ({ status: ["resolved"], sort: "created_at" }),
};

export interface Narrowing {
  companies: string[];
  severities: readonly Severity[];
  text: string;
}

/** What a saved view shows, narrowed by what the person asked for besides. */
export function filterOf(
  view: ViewName,
  userId: string,
  { companies, severities, text }: Narrowing,
): IncidentFilter {
  const base = definitions[view](userId);
  return {
    ...base,
    ...(companies.length ? { company_id: companies } : {}),
    ...(severities.length ? { severity: [...severities] } : {}),
    ...(text.trim() ? { text: text.trim() } : {}),
  };
}

export const viewNamed = (name: string): ViewName => viewNames.find((view) => view === name) ?? "open";
