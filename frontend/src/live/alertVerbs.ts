import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { api, body } from "@/api/client";
import type { Alert } from "@/api/types";
import { serverNow } from "@/lib/now";
import { plural } from "@/lib/format";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import { patchAlerts } from "./patches";

export type AlertVerb = "acknowledge" | "resolve";

const paths = {
  acknowledge: "/api/alerts/{alert_id}/acknowledge",
  resolve: "/api/alerts/{alert_id}/resolve",
} as const;

function foreseen(alert: Alert, verb: AlertVerb): Alert {
  const now = new Date(serverNow()).toISOString();
  return verb === "acknowledge"
    ? { ...alert, status: "acknowledged", acknowledged_at: now }
    : { ...alert, status: "resolved", resolved_at: now };
}

/** Acknowledges or resolves alerts: shown at once, taken back where the server refuses. */
export function useAlertVerbs(): (alerts: readonly Alert[], verb: AlertVerb) => Promise<void> {
  const cache = useQueryClient();
  return useCallback(
    async (alerts, verb) => {
      patchAlerts(
        cache,
        alerts.map((alert) => foreseen(alert, verb)),
      );
      const answers = await Promise.allSettled(
        alerts.map((alert) =>
          body(
            api.POST(paths[verb], {
              params: { path: { alert_id: alert.id } },
              body: { company_id: alert.company_id },
            }),
          ),
        ),
      );
      patchAlerts(
        cache,
        answers.flatMap((answer, index) => {
          if (answer.status === "fulfilled") return [answer.value];
          const before = alerts[index];
          return before ? [before] : [];
        }),
      );
      const refused = answers.filter((answer) => answer.status === "rejected");
      if (refused.length > 0) {
        const cause: unknown = refused[0]?.reason;
        toast(t.alerts.failedMany(refused.length), {
          tone: "error",
          detail: cause instanceof Error ? cause.message : undefined,
        });
      } else toast(t.alerts.done[verb](plural(alerts.length, "alert", "alerts")));
    },
    [cache],
  );
}
