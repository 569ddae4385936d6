import { CircleCheck } from "lucide-react";
import { Link } from "react-router";

import { usePersonName } from "@/api/people";
import type { Incident } from "@/api/types";
import { Ago, Card } from "@/components/bits";
import { Skeletons } from "@/components/states";
import { useIncidentList } from "@/live/lists";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./overview.module.css";

const ROWS = 6;

const byResolution = (one: Incident, other: Incident): number =>
  (other.resolved_at ?? "").localeCompare(one.resolved_at ?? "");

export function RecentlyResolved({ companies }: { companies: string[] }) {
  const { path } = useScope();
  const personName = usePersonName();
  const list = useIncidentList({ company_id: companies, status: ["resolved"], sort: "created_at" }, 50);
  const rows = [...(list.rows ?? [])].sort(byResolution).slice(0, ROWS);
  return (
    <Card title={t.overview.closed} flush>
      {list.isPending && <Skeletons rows={3} />}
      {list.rows && rows.length === 0 && <p className={css.calm}>{t.overview.nothingClosed}</p>}
      <ul className={css.lines} aria-label={t.overview.closed}>
        {rows.map((incident) => {
          const who = personName(incident.resolved_by);
          return (
            <li key={incident.id} className={css.brief}>
              <CircleCheck size={14} className={css.done} aria-hidden="true" />
              <Link to={path(`incidents/${incident.id}`)} className={css.lineTitle}>
                {incident.title}
                {who && <span className="muted"> {t.overview.resolvedBy(who)}</span>}
              </Link>
              <span className={css.lineAge}>
                <Ago at={incident.resolved_at} />
              </span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
