import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { Ago } from "@/components/bits";
import { count } from "@/lib/format";
import { scopeOf } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./companies.module.css";
import { summaryQuery } from "./queries";

export function SummaryStrip({ companyId }: { companyId: string }) {
  const { data } = useQuery(summaryQuery(companyId));
  const { path } = scopeOf(companyId);
  const names = t.companies.columns;
  const figures: [string, number | undefined, string][] = [
    [names.open, data?.open_incidents, `${path("incidents")}?view=open`],
    [names.critical, data?.open_critical, `${path("incidents")}?view=critical`],
    [names.unacknowledged, data?.unacknowledged, `${path("incidents")}?view=unacknowledged`],
    [names.active, data?.active_alerts, `${path("alerts")}?status=active`],
    [names.hour, data?.alerts_last_hour, path("alerts")],
  ];
  return (
    <section className={css.strip} aria-label={t.shell.now}>
      {figures.map(([label, value, to]) => (
        <Link key={label} to={to} className={css.figure}>
          <span className={css.figureLabel}>{label}</span>
          <span className={css.figureValue}>{count(value)}</span>
        </Link>
      ))}
      <div className={css.figure}>
        <span className={css.figureLabel}>{names.last}</span>
        <span className={css.figureValue}>
          <Ago at={data?.last_alert_at} />
        </span>
      </div>
    </section>
  );
}
