import type { AlertFilter, AlertStatus, Severity } from "@/api/types";

/** What the facets and the text field ask for, as it stands in the address. */
export interface AlertNarrowing {
  companies: string[];
  statuses: AlertStatus[];
  severities: Severity[];
  tool: string;
  asset: string;
  text: string;
}

export function alertFilter({
  companies,
  statuses,
  severities,
  tool,
  asset,
  text,
}: AlertNarrowing): AlertFilter {
  return {
    ...(companies.length ? { company_id: companies } : {}),
    ...(statuses.length ? { status: statuses } : {}),
    ...(severities.length ? { severity: severities } : {}),
    ...(tool ? { tool } : {}),
    ...(asset ? { asset } : {}),
    ...(text.trim() ? { text: text.trim() } : {}),
  };
}
