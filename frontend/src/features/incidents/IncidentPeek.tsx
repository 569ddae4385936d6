import { Link } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Incident } from "@/api/types";
import { Ago, Fact, Facts } from "@/components/bits";
import { IncidentState } from "@/components/IncidentState";
import { Peek } from "@/components/ListFrame";
import { t } from "@/lib/strings";

import css from "./incidents.module.css";
import { SeverityCounts } from "./SeverityCounts";

/** One incident beside its list, without leaving it. */
export function IncidentPeek({
  incident,
  to,
  onClose,
}: {
  incident: Incident;
  to: string;
  onClose: () => void;
}) {
  const companyName = useCompanyName();
  const { assets } = t.incidents;
  return (
    <Peek
      label={t.incidents.peek}
      severity={incident.severity}
      state={<IncidentState incident={incident} />}
      onClose={onClose}
    >
      <h2 className={css.peekTitle}>
        <Link to={to}>{incident.title}</Link>
      </h2>
      <p>{incident.reason.sentence}</p>
      <Facts>
        <Fact label={t.common.company}>{companyName(incident.company_id)}</Fact>
        <Fact label={t.incidents.columns.owner}>{incident.assigned_name ?? t.incidents.unowned}</Fact>
        <Fact label={t.incidents.columns.age}>
          <Ago at={incident.created_at} />
        </Fact>
        <Fact label={t.incidents.columns.alerts}>
          {t.incidents.alertsFrom(incident.alert_count, incident.tool_sources.length)}
        </Fact>
        <Fact label={assets}>{incident.asset_names.slice(0, 5).join(", ")}</Fact>
      </Facts>
      <SeverityCounts counts={incident.severity_counts} />
      <p className="muted">{t.incidents.peekHint}</p>
    </Peek>
  );
}
