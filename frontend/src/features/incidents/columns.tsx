import type { Incident } from "@/api/types";
import { IncidentState } from "@/components/IncidentState";
import { RowLink } from "@/components/ListFrame";
import type { Column } from "@/components/RowGrid";
import { agoColumn, severityColumn } from "@/components/rowColumns";
import { brief, shortId } from "@/lib/format";
import { t } from "@/lib/strings";

import css from "./incidents.module.css";

interface Context {
  linkTo: (incident: Incident) => string;
  companyName: (id: string) => string;
  showCompany: boolean;
}

const names = t.incidents.columns;

function AlertCount({ incident }: { incident: Incident }) {
  return (
    <>
      {brief(incident.alert_count)}
      {incident.occurrences > incident.alert_count && (
        <span className="muted"> ×{brief(incident.occurrences)}</span>
      )}
    </>
  );
}

export function incidentColumns({ linkTo, companyName, showCompany }: Context): Column<Incident>[] {
  const company: Column<Incident> = {
    key: "company",
    title: names.company,
    width: "minmax(70px, 110px)",
    cell: (incident) => <span className="muted">{companyName(incident.company_id)}</span>,
  };
  return [
    severityColumn(),
    {
      key: "title",
      title: names.title,
      width: "minmax(160px, 1fr)",
      cell: (incident) => (
        <>
          <span className={css.id}>{shortId("INC", incident.id)}</span>
          <RowLink to={linkTo(incident)}>{incident.title}</RowLink>
        </>
      ),
    },
    ...(showCompany ? [company] : []),
    {
      key: "alerts",
      title: names.alerts,
      width: "64px",
      align: "right",
      wideOnly: true,
      cell: (incident) => <AlertCount incident={incident} />,
    },
    {
      key: "status",
      title: names.status,
      width: "126px",
      cell: (incident) => <IncidentState incident={incident} />,
    },
    {
      key: "owner",
      title: names.owner,
      width: "minmax(60px, 90px)",
      wideOnly: true,
      cell: (incident) => incident.assigned_name ?? <span className="muted">{t.common.none}</span>,
    },
    agoColumn(names.age, (incident) => incident.created_at),
    {
      key: "priority",
      title: names.priority,
      width: "52px",
      align: "right",
      wideOnly: true,
      cell: (incident) => Math.round(incident.priority_score),
    },
  ];
}
