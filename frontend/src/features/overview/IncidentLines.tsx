import { memo, useState } from "react";
import { Link } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Incident } from "@/api/types";
import { Ago } from "@/components/bits";
import { IncidentState } from "@/components/IncidentState";
import { SeverityMark } from "@/components/Severity";
import { isFresh } from "@/live/fresh";
import { brief } from "@/lib/format";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./overview.module.css";

const Line = memo(function Line({ incident }: { incident: Incident }) {
  const scope = useScope();
  const companyName = useCompanyName();
  const [fresh] = useState(() => isFresh(incident.id));
  return (
    <li className={`${css.line ?? ""} ${fresh ? (css.fresh ?? "") : ""}`} data-testid="incident-row">
      <SeverityMark severity={incident.severity} />
      <Link to={scope.path(`incidents/${incident.id}`)} className={css.lineTitle}>
        {incident.title}
      </Link>
      {scope.company === null && <span className={css.lineCompany}>{companyName(incident.company_id)}</span>}
      <span
        className={css.lineCount}
        title={t.incidents.alertsFrom(incident.alert_count, incident.tool_sources.length)}
      >
        {brief(incident.alert_count)}
      </span>
      <span className={css.lineState}>
        <IncidentState incident={incident} />
      </span>
      <span className={css.lineAge}>
        <Ago at={incident.created_at} />
      </span>
    </li>
  );
});

/** Incidents as dense lines; the whole line is the link. */
export function IncidentLines({ incidents, label }: { incidents: readonly Incident[]; label: string }) {
  return (
    <ul className={css.lines} aria-label={label}>
      {incidents.map((incident) => (
        <Line key={incident.id} incident={incident} />
      ))}
    </ul>
  );
}
