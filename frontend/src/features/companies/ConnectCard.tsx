import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import { api, body } from "@/api/client";
import { useMay } from "@/api/session";
import type { Company } from "@/api/types";
import { Card, CodeBlock, CopyButton } from "@/components/bits";
import { curlCommand, TestAlert, useKeyReveal } from "@/components/FirstAlert";
import { FormDialog } from "@/components/FormDialog";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import css from "./companies.module.css";

/** Irreversible, so it is the one place that asks for the name of the company to be typed. */
function RotateDialog({
  company,
  onKey,
  onClose,
}: {
  company: Company;
  onKey: (key: string) => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState("");
  const rotate = async () => {
    const { api_key } = await body(
      api.POST("/api/companies/{company_id}/api-key/rotate", {
        params: { path: { company_id: company.id } },
      }),
    );
    onKey(api_key);
    toast(t.companies.rotated);
  };
  return (
    <FormDialog
      title={t.companies.rotateTitle}
      submit={t.companies.rotate}
      destructive
      disabled={typed.trim() !== company.name}
      onSubmit={rotate}
      onClose={onClose}
    >
      <p>{t.companies.rotateText}</p>
      <TextField
        autoFocus
        label={t.companies.rotateConfirm(company.name)}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </FormDialog>
  );
}

function KeyRow({
  company,
  shown,
  onReveal,
  onKey,
}: {
  company: Company;
  shown: string | null;
  onReveal: () => void;
  onKey: (key: string | null) => void;
}) {
  const may = useMay();
  const [rotating, setRotating] = useState(false);
  return (
    <div className={css.secret}>
      <span className={css.secretLabel}>{t.companies.key}</span>
      <code className={css.secretValue} data-testid="api-key">
        {shown ?? "••••••••••••••••••••"}
      </code>
      <span className={css.buttons}>
        {shown === null ? (
          <Button onClick={onReveal}>{t.companies.reveal}</Button>
        ) : (
          <>
            <CopyButton text={shown} />
            <Button onClick={() => onKey(null)}>{t.companies.hide}</Button>
          </>
        )}
        {may("company.rotate_key") && (
          <Button color="error" onClick={() => setRotating(true)}>
            {t.companies.rotate}
          </Button>
        )}
      </span>
      {rotating && <RotateDialog company={company} onKey={onKey} onClose={() => setRotating(false)} />}
    </div>
  );
}

/** How a monitoring tool gets its alerts in here: address, key, a command that works, and a proof that it did. */
export function ConnectCard({ company }: { company: Company }) {
  const may = useMay();
  const { key, setKey, reveal } = useKeyReveal(company.id);
  return (
    <Card title={t.companies.connect}>
      <div className={css.fields}>
        {may("company.reveal_key") && (
          <KeyRow company={company} shown={key} onReveal={() => void reveal()} onKey={setKey} />
        )}
        <p className="muted">{t.companies.connectText}</p>
        <CodeBlock text={curlCommand(key)} label={t.companies.connect} />
        <p className="muted">
          {t.companies.alertmanager}{" "}
          <code>{`${window.location.origin}/api/webhooks/alertmanager?api_key=${key ?? "…"}`}</code>
        </p>
        {may("company.test_alert") && <TestAlert companyId={company.id} />}
        {may("company.reveal_key") && <p className="muted">{t.companies.audited}</p>}
      </div>
    </Card>
  );
}
