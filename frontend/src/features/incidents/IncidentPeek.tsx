import IconButton from "@mui/material/IconButton";
import { X } from "lucide-react";
import { Link } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Incident } from "@/api/types";
import { Ago, Fact, Facts } from "@/components/bits";
import { IncidentState } from "@/components/IncidentState";
import { SeverityBadge } from "@/components/Severity";
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
    <aside className={css.peek} aria-label={t.incidents.peek}>
      <div className={css.peekHead}>
        <SeverityBadge severity={incident.severity} />
        <IncidentState incident={incident} />
        <span className={css.grow} />
        <IconButton aria-label={t.incidents.closePeek} onClick={onClose}>
          <X size={16} />
        </IconButton>
      </div>
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
    </aside>
  );
}
