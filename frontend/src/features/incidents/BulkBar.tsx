import Button from "@mui/material/Button";

import { useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { Kbd } from "@/components/bits";
import type { RowCursor } from "@/components/useRowCursor";
import { useIncidentVerbs, type IncidentVerb } from "@/live/incidentVerbs";
import { useShortcuts } from "@/lib/keyboard";
import { t } from "@/lib/strings";

import css from "./incidents.module.css";

const bulk: { verb: Extract<IncidentVerb, "acknowledge" | "resolve">; keys: string }[] = [
  { verb: "acknowledge", keys: "a" },
  { verb: "resolve", keys: "r" },
];

const applies: Record<"acknowledge" | "resolve", (incident: Incident) => boolean> = {
  acknowledge: (incident) => incident.acknowledged_at === null && incident.status !== "resolved",
  resolve: (incident) => incident.status !== "resolved",
};

/** Verbs over the selected rows, or by key over the row under the cursor; drawn only for a selection. */
export function BulkBar({ cursor }: { cursor: RowCursor<Incident> }) {
  const may = useMay();
  const run = useIncidentVerbs();
  const act = (verb: "acknowledge" | "resolve") => {
    const calls = cursor.targets.filter(applies[verb]).map((incident) => ({ incident, verb, body: {} }));
    cursor.select([]);
    if (calls.length > 0) void run(calls);
  };
  const allowed = bulk.filter(({ verb }) => may(`incident.${verb}`));
  useShortcuts(
    allowed.map(({ verb, keys }) => ({
      keys,
      label: t.incidents.verbs[verb],
      group: t.incidents.keys.group,
      run: () => act(verb),
    })),
  );
  if (cursor.selected.size === 0) return null;
  return (
    <div className={css.bulk} role="toolbar" aria-label={t.common.selected(cursor.selected.size)}>
      <strong>{t.common.selected(cursor.selected.size)}</strong>
      {allowed.map(({ verb, keys }) => (
        <Button key={verb} onClick={() => act(verb)} endIcon={<Kbd>{keys.toUpperCase()}</Kbd>}>
          {t.incidents.verbs[verb]}
        </Button>
      ))}
      <Button variant="text" onClick={cursor.clear}>
        {t.common.clear}
      </Button>
    </div>
  );
}
