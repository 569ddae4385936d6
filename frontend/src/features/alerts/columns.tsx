import { Link } from "react-router";

import type { Alert } from "@/api/types";
import type { Column } from "@/components/RowGrid";
import { alertColumns } from "@/components/rowColumns";
import { shortId } from "@/lib/format";
import { t } from "@/lib/strings";

import css from "./alerts.module.css";

interface Context {
  incidentPath: (id: string) => string;
  companyName: (id: string) => string;
  showCompany: boolean;
  onPick: (alert: Alert) => void;
}

const names = t.alerts.columns;

/** The alerts of all incidents: with where each came from and where it went. */
export function listColumns({ incidentPath, companyName, showCompany, onPick }: Context): Column<Alert>[] {
  return alertColumns(onPick, {
    // Room is for the message: whose alert it is matters more than which tool sent it, which the facets show too.
    origin: {
      key: "origin",
      title: showCompany ? t.common.company : names.tool,
      width: "minmax(60px, 100px)",
      wideOnly: true,
      cell: (alert) => (
        <span className="muted">{showCompany ? companyName(alert.company_id) : alert.tool_source}</span>
      ),
    },
    extra: {
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
  });
}
