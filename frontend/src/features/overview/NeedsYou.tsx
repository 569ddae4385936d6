import type { Incident } from "@/api/types";
import { Card } from "@/components/bits";
import { Skeletons } from "@/components/states";
import type { useIncidentList } from "@/live/lists";
import { count } from "@/lib/format";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";

import { IncidentLines } from "./IncidentLines";
import css from "./overview.module.css";

export const NEEDING_ROWS = 8;

const snoozed = (incident: Incident): boolean =>
  incident.snoozed_until !== null && Date.parse(incident.snoozed_until) > serverNow();

/** Open and mine, or nobody's yet; what is snoozed can wait. */
export const waitsFor = (incident: Incident, userId: string): boolean =>
  !snoozed(incident) &&
  (incident.assigned_to === userId || (incident.acknowledged_at === null && incident.assigned_to === null));

/** What waits for this person, the most urgent first, no more than fits above the other open incidents. */
export const needing = (rows: readonly Incident[], userId: string): Incident[] =>
  rows.filter((incident) => waitsFor(incident, userId));

export function NeedsYou({
  open,
  waiting,
}: {
  open: ReturnType<typeof useIncidentList>;
  waiting: readonly Incident[];
}) {
  return (
    <Card
      title={t.overview.needsYou}
      aside={
        <span className="muted">{open.rows && t.overview.waiting(count(waiting.length), open.hasMore)}</span>
      }
      flush
    >
      {open.isPending && <Skeletons rows={4} />}
      {open.rows && waiting.length === 0 && <p className={css.calm}>{t.overview.needsNothing}</p>}
      {waiting.length > 0 && (
        <IncidentLines incidents={waiting.slice(0, NEEDING_ROWS)} label={t.overview.needsYou} />
      )}
    </Card>
  );
}
