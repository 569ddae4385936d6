import { useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { SelectionBar } from "@/components/SelectionBar";
import type { RowCursor } from "@/components/useRowCursor";
import { useIncidentVerbs } from "@/live/incidentVerbs";
import { t } from "@/lib/strings";

const bulk = [
  {
    verb: "acknowledge",
    keys: "a",
    applies: (incident: Incident) => incident.acknowledged_at === null && incident.status !== "resolved",
  },
  { verb: "resolve", keys: "r", applies: (incident: Incident) => incident.status !== "resolved" },
] as const;

export function BulkBar({ cursor }: { cursor: RowCursor<Incident> }) {
  const may = useMay();
  const run = useIncidentVerbs();
  const act = ({ verb, applies }: (typeof bulk)[number]) => {
    const calls = cursor.targets.filter(applies).map((incident) => ({ incident, verb, body: {} }));
    cursor.select([]);
    if (calls.length > 0) void run(calls);
  };
  const verbs = bulk
    .filter(({ verb }) => may(`incident.${verb}`))
    .map((each) => ({ keys: each.keys, label: t.incidents.verbs[each.verb], run: () => act(each) }));
  return <SelectionBar cursor={cursor} verbs={verbs} group={t.incidents.keys.group} />;
}
