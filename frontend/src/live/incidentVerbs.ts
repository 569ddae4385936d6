import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { api, ApiError, body as bodyOf } from "@/api/client";
import { useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import { patchIncidents } from "./patches";

export type IncidentVerb =
  | "acknowledge"
  | "assign"
  | "escalate"
  | "resolve"
  | "reopen"
  | "merge"
  | "split"
  | "snooze"
  | "note"
  | "title";

export interface VerbCall {
  incident: Incident;
  verb: IncidentVerb;
  body?: Record<string, unknown>;
  /** What the person will see at once, before the server has answered. */
  foreseen?: Partial<Incident>;
}

/** What a verb is decided upon. A conflict over anything else (an alert that joined meanwhile) is retried unasked. */
const decidedOn: Partial<Record<IncidentVerb, readonly (keyof Incident)[]>> = {
  assign: ["assigned_to", "status"],
  resolve: ["status"],
  reopen: ["status"],
  escalate: ["status", "escalation_level"],
  merge: ["status", "merged_into"],
  title: ["title"],
};

const isIncident = (value: unknown): value is Incident =>
  typeof value === "object" && value !== null && "revision" in value && "id" in value;

function send({ incident, verb, body }: VerbCall, revision: number): Promise<Incident> {
  return bodyOf(
    api.POST("/api/incidents/{id}/{verb}", {
      params: {
        path: { id: incident.id, verb },
        ...(decidedOn[verb] ? { header: { "If-Match": `"${revision}"` } } : {}),
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
  const { incident, foreseen } = call;
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

export function foresee(verb: IncidentVerb, incident: Incident): Partial<Incident> | undefined {
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

async function undoAll(cache: QueryClient, incidents: Incident[]): Promise<void> {
  const answers = await Promise.allSettled(
    incidents.map((incident) =>
      bodyOf(
        api.POST("/api/incidents/{id}/{verb}", {
          params: { path: { id: incident.id, verb: "undo" } },
          body: { company_id: incident.company_id },
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
        const changed = calls
          .filter((_, index) => answers[index]?.status === "fulfilled")
          .map((call) => call.incident);
        toast(after.length > 1 ? t.incidents.doneMany(done, after.length) : done, {
          undo: undoable ? () => void undoAll(cache, changed) : undefined,
        });
      }
      return after;
    },
    [cache, undoable],
  );
}
