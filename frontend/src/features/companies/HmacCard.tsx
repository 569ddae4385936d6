import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { useMay } from "@/api/session";
import type { CompanyConfigs } from "@/api/types";
import { CopyButton } from "@/components/bits";
import { FormDialog } from "@/components/FormDialog";
import { useNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { shortTime } from "@/lib/time";
import { toast } from "@/lib/toasts";

import css from "./companies.module.css";
import { ConfigForm, NumberField, SwitchField } from "./ConfigForm";

const OVERLAP_MINUTES = 60;

function RotateSecret({
  companyId,
  first,
  onSecret,
  onClose,
}: {
  companyId: string;
  first: boolean;
  onSecret: (secret: string) => void;
  onClose: () => void;
}) {
  const cache = useQueryClient();
  const [overlap, setOverlap] = useState(OVERLAP_MINUTES);
  const rotate = async () => {
    const { hmac_secret } = await body(
      api.POST("/api/companies/{company_id}/configs/webhook_security/rotate", {
        params: { path: { company_id: companyId } },
        body: { overlap_minutes: overlap },
      }),
    );
    onSecret(hmac_secret);
    await cache.invalidateQueries({ queryKey: keys.config(companyId, "webhook_security") });
  };
  const name = first ? t.companies.createSecret : t.companies.rotateSecret;
  return (
    <FormDialog title={name} submit={name} onSubmit={rotate} onClose={onClose}>
      {first ? (
        <p>{t.companies.hmacFormat}</p>
      ) : (
        <NumberField label={t.companies.overlap} value={overlap} onChange={setOverlap} readOnly={false} />
      )}
    </FormDialog>
  );
}

function Secret({
  companyId,
  config,
  secret,
  onSecret,
}: {
  companyId: string;
  config: CompanyConfigs["webhook_security"];
  secret: string | null;
  onSecret: (secret: string | null) => void;
}) {
  const may = useMay();
  const now = useNow(60);
  const [rotating, setRotating] = useState(false);
  const reveal = async () => {
    try {
      const answer = await body(
        api.POST("/api/companies/{company_id}/configs/webhook_security/reveal", {
          params: { path: { company_id: companyId } },
        }),
      );
      onSecret(answer.hmac_secret);
    } catch (error) {
      const detail = error instanceof Error ? error.message : undefined;
      toast(t.incidents.verbFailed(t.companies.reveal), { tone: "error", detail });
    }
  };
  const until = config.previous_valid_until === null ? null : Date.parse(config.previous_valid_until);
  return (
    <>
      <div className={css.secret}>
        <span className={css.secretLabel}>{t.companies.secret}</span>
        {config.has_secret ? (
          <code className={css.secretValue}>{secret ?? "••••••••••••••••••••"}</code>
        ) : (
          <span className={`muted ${css.secretValue ?? ""}`}>{t.companies.noSecret}</span>
        )}
        {may("config.reveal_secret") && (
          <span className={css.buttons}>
            {config.has_secret && secret === null && <Button onClick={reveal}>{t.companies.reveal}</Button>}
            {secret !== null && (
              <>
                <CopyButton text={secret} />
                <Button onClick={() => onSecret(null)}>{t.companies.hide}</Button>
              </>
            )}
            <Button onClick={() => setRotating(true)}>
              {config.has_secret ? t.companies.rotateSecret : t.companies.createSecret}
            </Button>
          </span>
        )}
      </div>
      {until !== null && until > now && (
        <p className="muted">{t.companies.previousUntil(shortTime(until, now))}</p>
      )}
      {rotating && (
        <RotateSecret
          companyId={companyId}
          first={!config.has_secret}
          onSecret={onSecret}
          onClose={() => setRotating(false)}
        />
      )}
    </>
  );
}

export function HmacCard({ companyId }: { companyId: string }) {
  // Kept here, above the form: the form starts anew when a rotation changes its document.
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <ConfigForm
      title={t.companies.security}
      companyId={companyId}
      type="webhook_security"
      hint={t.companies.hmacFormat}
    >
      {({ value, set, readOnly }) => (
        <>
          <Secret companyId={companyId} config={value} secret={secret} onSecret={setSecret} />
          <SwitchField
            label={t.companies.hmacEnabled}
            value={value.hmac_enabled}
            onChange={(hmac_enabled) => set({ hmac_enabled })}
            readOnly={readOnly || !value.has_secret}
          />
          <div className={css.pair}>
            <TextField
              label={t.companies.signatureHeader}
              value={value.signature_header}
              disabled={readOnly}
              onChange={(event) => set({ signature_header: event.target.value })}
            />
            <TextField
              label={t.companies.timestampHeader}
              value={value.timestamp_header}
              disabled={readOnly}
              onChange={(event) => set({ timestamp_header: event.target.value })}
            />
          </div>
          <NumberField
            label={t.companies.maxSkew}
            value={value.max_skew_seconds}
            onChange={(max_skew_seconds) => set({ max_skew_seconds })}
            readOnly={readOnly}
            min={1}
          />
        </>
      )}
    </ConfigForm>
  );
}
