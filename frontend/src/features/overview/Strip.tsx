import Tooltip from "@mui/material/Tooltip";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Overview } from "@/api/types";
import { Sparkline } from "@/components/bits";
import { count, NONE, percentage } from "@/lib/format";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./overview.module.css";

function Figure({
  label,
  value,
  to,
  tone,
  hint,
  children,
}: {
  label: string;
  value: string;
  to: string;
  tone?: string | undefined;
  hint?: string | undefined;
  children?: ReactNode;
}) {
  const link = (
    <Link to={to} className={css.figure}>
      <span className={css.figureLabel}>{label}</span>
      <span className={css.figureLine}>
        <span className={`${css.figureValue ?? ""} ${tone ?? ""}`}>{value}</span>
        {children}
      </span>
    </Link>
  );
  return hint ? (
    <Tooltip title={hint} describeChild>
      {link}
    </Tooltip>
  ) : (
    link
  );
}

/** The state of the scope in one line; each figure leads to the rows behind it. */
export function Strip({ figures }: { figures: Overview }) {
  const { path } = useScope();
  const incidents = path("incidents");
  const minutes = figures.alerts_per_minute;
  const hour = minutes.reduce((sum, n) => sum + n, 0);
  const cut = figures.noise_reduction_percent;
  return (
    <section className={css.strip} aria-label={t.shell.now}>
      <Figure
        label={t.overview.openCritical}
        value={count(figures.open_critical)}
        to={`${incidents}?view=critical`}
        tone={figures.open_critical > 0 ? css.critical : undefined}
      />
      <Figure label={t.overview.open} value={count(figures.open)} to={`${incidents}?view=open`} />
      <Figure
        label={t.overview.unacknowledged}
        value={count(figures.unacknowledged)}
        to={`${incidents}?view=unacknowledged`}
      />
      <Figure
        label={t.overview.activeAlerts}
        value={count(figures.active_alerts)}
        to={`${path("alerts")}?status=active`}
      />
      <Figure
        label={t.overview.perMinute}
        value={count(minutes.at(-1))}
        to={path("alerts")}
        hint={t.overview.perMinuteDetail(hour)}
      >
        <Sparkline values={minutes} />
      </Figure>
      <Figure
        label={t.overview.noise}
        value={cut === null ? NONE : percentage(cut)}
        to={path("ledger")}
        hint={figures.noise_reason ?? undefined}
      >
        {cut !== null && (
          <span className="muted">
            {t.overview.noiseDetail(figures.received_today, figures.incidents_opened_today)}
          </span>
        )}
      </Figure>
    </section>
  );
}
