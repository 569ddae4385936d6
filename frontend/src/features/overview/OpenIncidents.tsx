import { Link } from "react-router";

import { Card } from "@/components/bits";
import { Failure, Skeletons } from "@/components/states";
import type { useIncidentList } from "@/live/lists";
import { useNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { span } from "@/lib/time";

import { IncidentLines } from "./IncidentLines";
import css from "./overview.module.css";

const ROWS = 20;

export function OpenIncidents({
  open,
  shown,
  lastResolvedAt,
}: {
  open: ReturnType<typeof useIncidentList>;
  /** Ids of the incidents that stand above already. */
  shown: ReadonlySet<string>;
  lastResolvedAt: string | null;
}) {
  const { path } = useScope();
  const now = useNow(60);
  const rows = (open.rows ?? []).filter((incident) => !shown.has(incident.id));
  return (
    <Card
      title={t.overview.byUrgency}
      aside={<Link to={`${path("incidents")}?view=open`}>{t.overview.allOpen}</Link>}
      flush
    >
      {open.rows === undefined && open.error && (
        <Failure what={t.incidents.title} error={open.error} onRetry={() => void open.refetch()} />
      )}
      {open.isPending && <Skeletons rows={8} />}
      {open.rows?.length === 0 && (
        <p className={css.calm}>
          {lastResolvedAt ? t.overview.quietSince(span(now - Date.parse(lastResolvedAt))) : t.overview.quiet}
        </p>
      )}
      {rows.length > 0 && <IncidentLines incidents={rows.slice(0, ROWS)} label={t.overview.byUrgency} />}
    </Card>
  );
}
