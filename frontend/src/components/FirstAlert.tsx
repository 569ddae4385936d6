import Button from "@mui/material/Button";
import { CircleCheck, Send } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";

import { api, ApiError, body } from "@/api/client";
import type { IngestAnswer } from "@/api/types";
import { arrivalOf } from "@/live/arrivals";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import { CodeBlock } from "./bits";
import css from "./FirstAlert.module.css";

/** A command that sends one alert, with the real address and, once it is shown, the real key. */
export function curlCommand(key: string | null): string {
  const alert = {
    asset_name: "db-01",
    signature: "disk_full",
    severity: "critical",
    message: "Disk 96 % full on /var",
    tool_source: "curl",
  };
  return [
    `curl -sS ${window.location.origin}/api/webhooks/alerts`,
    `-H 'X-API-Key: ${key ?? "…"}'`,
    "-H 'Content-Type: application/json'",
    `-d '${JSON.stringify(alert)}'`,
  ].join(" \\\n  ");
}

type Progress =
  { kind: "idle" | "sending" | "waiting" } | { kind: "arrived"; after: number; answer: IngestAnswer };

/** Sends one alert through the real pipeline and turns green when it comes in over the live connection. */
export function TestAlert({ companyId }: { companyId: string }) {
  const [progress, setProgress] = useState<Progress>({ kind: "idle" });
  const { path } = useScope();
  const send = async () => {
    setProgress({ kind: "sending" });
    const sentAt = performance.now();
    try {
      const answer = await body(
        api.POST("/api/companies/{company_id}/test-alert", { params: { path: { company_id: companyId } } }),
      );
      setProgress({ kind: "waiting" });
      const at = answer.alert_id === null ? performance.now() : await arrivalOf(answer.alert_id, sentAt);
      setProgress({ kind: "arrived", after: at - sentAt, answer });
    } catch (error) {
      setProgress({ kind: "idle" });
      const detail = error instanceof ApiError ? error.message : undefined;
      toast(t.incidents.verbFailed(t.companies.test), { tone: "error", detail });
    }
  };
  return (
    <div className={css.test} aria-live="polite">
      <Button
        startIcon={<Send size={14} />}
        onClick={send}
        disabled={progress.kind === "sending" || progress.kind === "waiting"}
      >
        {t.companies.test}
      </Button>
      {progress.kind === "waiting" && <span className="muted">{t.companies.testSent}</span>}
      {progress.kind === "arrived" && (
        <span className={css.arrived} data-testid="test-alert-arrived">
          <CircleCheck size={16} aria-hidden="true" />
          {t.companies.testArrived(Math.round(progress.after))}
          {progress.answer.incident_id && (
            <Link to={path(`incidents/${progress.answer.incident_id}`)}>{t.companies.testOpen}</Link>
          )}
        </span>
      )}
    </div>
  );
}

/** Reads the key of a company; each reading is audited, so it happens on a click and not before. */
export function useKeyReveal(companyId: string) {
  const [key, setKey] = useState<string | null>(null);
  const reveal = async () => {
    try {
      const { api_key } = await body(
        api.POST("/api/companies/{company_id}/api-key/reveal", {
          params: { path: { company_id: companyId } },
        }),
      );
      setKey(api_key);
    } catch (error) {
      toast(t.incidents.verbFailed(t.companies.reveal), {
        tone: "error",
        detail: error instanceof Error ? error.message : undefined,
      });
    }
  };
  return { key, setKey, reveal };
}

/** The way from nothing to a first alert. */
export function FirstAlert({ companyId }: { companyId: string }) {
  const { key, reveal } = useKeyReveal(companyId);
  return (
    <div className={css.first}>
      <p className="muted">{t.alerts.neverText}</p>
      <CodeBlock text={curlCommand(key)} label={t.companies.connect} />
      <div className={css.buttons}>
        {key === null && <Button onClick={reveal}>{t.companies.showKey}</Button>}
        <TestAlert companyId={companyId} />
      </div>
    </div>
  );
}
