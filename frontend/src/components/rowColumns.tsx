import type { Alert, Severity } from "@/api/types";
import { brief } from "@/lib/format";
import { t } from "@/lib/strings";

import { Ago } from "./bits";
import { AlertState } from "./IncidentState";
import { RowButton } from "./ListFrame";
import type { Column } from "./RowGrid";
import { SeverityMark } from "./Severity";

/** How bad it is: the first column of alerts and of incidents. */
export const severityColumn = <T extends { severity: Severity }>(): Column<T> => ({
  key: "severity",
  title: t.common.severity,
  width: "82px",
  cell: (row) => <SeverityMark severity={row.severity} />,
});

/** How long ago: the last column that a phone shows. */
export const agoColumn = <T,>(title: string, at: (row: T) => string): Column<T> => ({
  key: "age",
  title,
  width: "48px",
  align: "right",
  cell: (row) => <Ago at={at(row)} />,
});

const names = t.alerts.columns;

/** Alerts wherever they are listed; `extra` stands before the status, where there is room for more. */
export function alertColumns(
  onPick: (alert: Alert) => void,
  { origin, extra }: { origin?: Column<Alert>; extra?: Column<Alert> } = {},
): Column<Alert>[] {
  return [
    severityColumn(),
    { key: "asset", title: names.asset, width: "minmax(70px, 100px)", cell: (alert) => alert.asset_name },
    {
      key: "message",
      title: names.message,
      width: "minmax(120px, 1fr)",
      cell: (alert) => <RowButton onClick={() => onPick(alert)}>{alert.message}</RowButton>,
    },
    ...(origin ? [origin] : []),
    {
      key: "count",
      title: names.count,
      width: "28px",
      align: "right",
      wideOnly: true,
      cell: (alert) => brief(alert.occurrences),
    },
    ...(extra ? [extra] : []),
    {
      key: "status",
      title: names.status,
      width: "104px",
      cell: (alert) => <AlertState status={alert.status} />,
    },
    agoColumn(names.age, (alert) => alert.last_received_at),
  ];
}
