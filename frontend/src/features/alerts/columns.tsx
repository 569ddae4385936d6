import { Link } from "react-router";

import type { Alert } from "@/api/types";
import { Ago } from "@/components/bits";
import { AlertState } from "@/components/IncidentState";
import type { Column } from "@/components/RowGrid";
import { SeverityMark } from "@/components/Severity";
import { brief, shortId } from "@/lib/format";
import { t } from "@/lib/strings";

import css from "./alerts.module.css";

interface Context {
  incidentPath: (id: string) => string;
  companyName: (id: string) => string;
  showCompany: boolean;
  onPick: (alert: Alert) => void;
}

const names = t.alerts.columns;

export function alertColumns({ incidentPath, companyName, showCompany, onPick }: Context): Column<Alert>[] {
  return [
    {
      key: "severity",
      title: names.severity,
      width: "82px",
      cell: (alert) => <SeverityMark severity={alert.severity} />,
    },
    { key: "asset", title: names.asset, width: "minmax(70px, 100px)", cell: (alert) => alert.asset_name },
    {
      key: "message",
      title: names.message,
      width: "minmax(140px, 1fr)",
      cell: (alert) => (
        <button type="button" className={css.pick} onClick={() => onPick(alert)}>
          {alert.message}
        </button>
      ),
    },
    // Room is for the message: whose alert it is matters more than which tool sent it, which the facets show too.
    {
      key: "origin",
      title: showCompany ? t.common.company : names.tool,
      width: "minmax(60px, 100px)",
      wideOnly: true,
      cell: (alert) => (
        <span className="muted">{showCompany ? companyName(alert.company_id) : alert.tool_source}</span>
      ),
    },
    {
      key: "count",
      title: names.count,
      width: "28px",
      align: "right",
      wideOnly: true,
      cell: (alert) => brief(alert.occurrences),
    },
    {
      key: "incident",
      title: names.incident,
      width: "82px",
      wideOnly: true,
      cell: (alert) =>
        alert.correlated_incident_id ? (
          <Link to={incidentPath(alert.correlated_incident_id)} className={css.above}>
            {shortId("INC", alert.correlated_incident_id)}
          </Link>
        ) : (
          <span className="muted">{t.common.none}</span>
        ),
    },
    {
      key: "status",
      title: names.status,
      width: "104px",
      cell: (alert) => <AlertState status={alert.status} />,
    },
    {
      key: "age",
      title: names.age,
      width: "44px",
      align: "right",
      cell: (alert) => <Ago at={alert.last_received_at} />,
    },
  ];
}
