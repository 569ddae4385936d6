import { useState } from "react";
import { Link } from "react-router";

import type { Alert } from "@/api/types";
import { Ago, Card } from "@/components/bits";
import { SeverityMark } from "@/components/Severity";
import { Skeletons } from "@/components/states";
import { isFresh } from "@/live/fresh";
import { useAlertList } from "@/live/lists";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./overview.module.css";

const ROWS = 9;

function Line({ alert }: { alert: Alert }) {
  const { path } = useScope();
  const [fresh] = useState(() => isFresh(alert.id));
  const to = alert.correlated_incident_id
    ? path(`incidents/${alert.correlated_incident_id}`)
    : `${path("alerts")}?peek=${alert.id}`;
  return (
    <li className={`${css.brief ?? ""} ${fresh ? (css.fresh ?? "") : ""}`}>
      <SeverityMark severity={alert.severity} />
      <Link to={to} className={css.lineTitle}>
        {alert.asset_name} · {alert.message}
      </Link>
      <span className={css.lineAge}>
        <Ago at={alert.last_received_at} />
      </span>
    </li>
  );
}

/** Alerts as they come in; each leads to the incident that took it. */
export function LatestAlerts({ companies }: { companies: string[] }) {
  const { path } = useScope();
  const list = useAlertList({ company_id: companies }, 50);
  return (
    <Card title={t.overview.latest} aside={<Link to={path("alerts")}>{t.shell.alerts}</Link>} flush>
      {list.isPending && <Skeletons rows={4} />}
      {list.rows?.length === 0 && <p className={css.calm}>{t.alerts.neverTitle}</p>}
      <ul className={css.lines} aria-label={t.overview.latest}>
        {list.rows?.slice(0, ROWS).map((alert) => (
          <Line key={alert.id} alert={alert} />
        ))}
      </ul>
    </Card>
  );
}
