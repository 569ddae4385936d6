import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { api, ApiError, body as bodyOf } from "@/api/client";
import type { paths } from "@/api/schema";
import { useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import { patchIncidents } from "./patches";

const verbPaths = {
  acknowledge: "/api/incidents/{incident_id}/acknowledge",
  assign: "/api/incidents/{incident_id}/assign",
  escalate: "/api/incidents/{incident_id}/escalate",
  resolve: "/api/incidents/{incident_id}/resolve",
  reopen: "/api/incidents/{incident_id}/reopen",
  merge: "/api/incidents/{incident_id}/merge",
  split: "/api/incidents/{incident_id}/split",
  snooze: "/api/incidents/{incident_id}/snooze",
  note: "/api/incidents/{incident_id}/note",
  title: "/api/incidents/{incident_id}/title",
} as const;

export type IncidentVerb = keyof typeof verbPaths;

type Body<V extends IncidentVerb> = Omit<
  paths[(typeof verbPaths)[V]]["post"]["requestBody"]["content"]["application/json"],
  "company_id"
>;

/** A verb with what it needs, and what the person will see at once, before the server has answered. */
export type Ask = {
  [V in IncidentVerb]: { verb: V; body: Body<V>; foreseen?: Partial<Incident> | undefined };
}[IncidentVerb];

export type VerbCall = Ask & { incident: Incident };

/** What a verb is decided upon. A conflict over anything else (an alert that joined meanwhile) is retried unasked. */
const decidedOn: Partial<Record<IncidentVerb, readonly (keyof Incident)[]>> = {
  assign: ["assigned_to", "status"],
  resolve: ["status"],
  reopen: ["status"],
  escalate: ["status", "escalation_level"],
  merge: ["status", "merged_into"],
  title: ["title"],
};

/** A note is never taken back, and a reopened incident is resolved again instead. */
const lasting: readonly IncidentVerb[] = ["note", "reopen"];

const isIncident = (value: unknown): value is Incident =>
  typeof value === "object" && value !== null && "revision" in value && "id" in value;

function send({ incident, verb, body }: VerbCall, revision: number): Promise<Incident> {
  return bodyOf(
    // `Ask` ties each verb to the body of its path; the compiler cannot follow that through a lookup, so one path stands for all.
    api.POST(verbPaths[verb] as typeof verbPaths.acknowledge, {
      params: {
        path: { incident_id: incident.id },
        header: decidedOn[verb] ? { "If-Match": `"${revision}"` } : {},
      },
      body: { ...body, company_id: incident.company_id },
    }),
  );
}

/** The current document of a conflict that does not touch what the verb was decided upon; null for a real one. */
function harmless(error: unknown, { incident, verb }: VerbCall): Incident | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  const current = error.problem?.current;
  const fields = decidedOn[verb];
  if (!fields || !isIncident(current)) return null;
  return fields.every((field) => current[field] === incident[field]) ? current : null;
}

async function sendPastHarmless(call: VerbCall): Promise<Incident> {
  try {
    return await send(call, call.incident.revision);
  } catch (error) {
    const current = harmless(error, call);
    if (!current) throw error;
    return await send(call, current.revision);
  }
}

/** Shows the outcome at once, then makes it so; what the server refuses is taken back. */
export async function perform(cache: QueryClient, call: VerbCall): Promise<Incident> {
  const { incident, verb } = call;
  const foreseen = call.foreseen ?? foresee(verb, incident);
  if (foreseen) patchIncidents(cache, [{ ...incident, ...foreseen }]);
  try {
    const after = await sendPastHarmless(call);
    patchIncidents(cache, [after]);
    return after;
  } catch (error) {
    if (foreseen) patchIncidents(cache, [incident]);
    if (error instanceof ApiError && isIncident(error.problem?.current))
      patchIncidents(cache, [error.problem.current]);
    throw error;
  }
}

function foresee(verb: IncidentVerb, incident: Incident): Partial<Incident> | undefined {
  const now = new Date(serverNow()).toISOString();
  const status = incident.status === "new" ? "in_progress" : incident.status;
  if (verb === "acknowledge") return { acknowledged_at: now, status };
  if (verb === "resolve") return { status: "resolved", resolved_at: now };
  if (verb === "reopen") return { status: "in_progress", resolved_at: null };
  if (verb === "escalate") return { status: "escalated", escalated: true };
  return undefined;
}

const explain = (error: unknown): string =>
  error instanceof ApiError && error.status === 409
    ? `${t.common.conflict} ${error.problem?.detail ?? ""}`
    : error instanceof Error
      ? error.message
      : t.common.unreachable;

/** Where a verb is undone: a merge on the incident that took the other one in. */
const undoneOn = (call: VerbCall): string => (call.verb === "merge" ? call.body.into : call.incident.id);

async function undoAll(cache: QueryClient, calls: VerbCall[]): Promise<void> {
  const answers = await Promise.allSettled(
    calls.map((call) =>
      bodyOf(
        api.POST("/api/incidents/{incident_id}/undo", {
          params: { path: { incident_id: undoneOn(call) } },
          body: { company_id: call.incident.company_id },
        }),
      ),
    ),
  );
  patchIncidents(
    cache,
    answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])),
  );
  const refused = answers.find((answer) => answer.status === "rejected");
  if (refused)
    toast(t.incidents.verbFailed(t.common.undo), { tone: "error", detail: explain(refused.reason) });
  else toast(t.common.undone);
}

/**
 * Runs a verb on one or many incidents: at once on the page, one toast with one Undo for all of them.
 * Resolves to the incidents after it, leaving out those that the server refused.
 */
export function useIncidentVerbs(): (calls: VerbCall[]) => Promise<Incident[]> {
  const cache = useQueryClient();
  const may = useMay();
  const undoable = may("incident.undo");
  return useCallback(
    async (calls) => {
      const answers = await Promise.allSettled(calls.map((call) => perform(cache, call)));
      const after = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
      const refused = answers.find((answer) => answer.status === "rejected");
      const verb = calls[0]?.verb;
      if (!verb) return after;
      if (refused) {
        const failed = answers.length - after.length;
        const text =
          calls.length > 1 ? t.incidents.failedMany(failed) : t.incidents.verbFailed(t.incidents.done[verb]);
        toast(text, { tone: "error", detail: explain(refused.reason) });
      }
      if (after.length > 0) {
        const done = t.incidents.done[verb];
        const changed = calls.filter((_, index) => answers[index]?.status === "fulfilled");
        toast(after.length > 1 ? t.incidents.doneMany(done, after.length) : done, {
          undo: undoable && !lasting.includes(verb) ? () => void undoAll(cache, changed) : undefined,
        });
      }
      return after;
    },
    [cache, undoable],
  );
}
