import Button from "@mui/material/Button";
import { useNavigate } from "react-router";

import { api, body } from "@/api/client";
import { useMay } from "@/api/session";
import type { Alert } from "@/api/types";
import { SelectionBar } from "@/components/SelectionBar";
import type { RowCursor } from "@/components/useRowCursor";
import { useAlertVerbs, type AlertVerb } from "@/live/alertVerbs";
import { useIncidentVerbs } from "@/live/incidentVerbs";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

const verbs: { verb: AlertVerb; keys: string }[] = [
  { verb: "acknowledge", keys: "a" },
  { verb: "resolve", keys: "r" },
];

/** The one incident that all of these alerts are in; null when they are in several or in none. */
export function commonIncident(alerts: readonly Alert[]): string | null {
  const [first, ...rest] = alerts.map((alert) => alert.correlated_incident_id);
  return first && rest.every((id) => id === first) ? first : null;
}

function useSplit(): (alerts: readonly Alert[], incidentId: string) => Promise<void> {
  const navigate = useNavigate();
  const scope = useScope();
  const run = useIncidentVerbs();
  return async (alerts, incidentId) => {
    const incident = await body(
      api.GET("/api/incidents/{incident_id}", { params: { path: { incident_id: incidentId } } }),
    );
    const [created] = await run([
      { incident, verb: "split", body: { alert_ids: alerts.map((alert) => alert.id) } },
    ]);
    if (created) await navigate(scope.path(`incidents/${created.id}`));
  };
}

/** Verbs over the selected alerts. */
export function AlertsBar({ cursor }: { cursor: RowCursor<Alert> }) {
  const may = useMay();
  const run = useAlertVerbs();
  const split = useSplit();
  const incidentId = commonIncident(cursor.targets);
  const act = (verb: AlertVerb) => {
    const open = cursor.targets.filter(
      (alert) => alert.status === "active" || (verb === "resolve" && alert.status !== "resolved"),
    );
    cursor.select([]);
    if (open.length > 0) void run(open, verb);
  };
  const allowed = verbs
    .filter(({ verb }) => may(`alert.${verb}`))
    .map(({ verb, keys }) => ({ keys, label: t.alerts[verb], run: () => act(verb) }));
  return (
    <SelectionBar cursor={cursor} verbs={allowed} group={t.alerts.title}>
      {may("incident.split") && (
        <Button
          disabled={incidentId === null}
          title={t.alerts.splitHint}
          onClick={() => incidentId && void split(cursor.targets, incidentId)}
        >
          {t.alerts.splitOff}
        </Button>
      )}
    </SelectionBar>
  );
}
