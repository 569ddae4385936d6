import { t } from "@/lib/strings";

import css from "./companies.module.css";
import { ConfigForm, NumberField, SwitchField } from "./ConfigForm";

export function RateLimitCard({ companyId }: { companyId: string }) {
  return (
    <ConfigForm
      title={t.companies.limit}
      companyId={companyId}
      type="rate_limit"
      hint={t.companies.limitHint}
    >
      {({ value, set, readOnly }) => (
        <>
          <SwitchField
            label={t.companies.limitEnabled}
            value={value.enabled}
            onChange={(enabled) => set({ enabled })}
            readOnly={readOnly}
          />
          <div className={css.pair}>
            <NumberField
              label={t.companies.perMinute}
              value={value.requests_per_minute}
              onChange={(requests_per_minute) => set({ requests_per_minute })}
              readOnly={readOnly}
              min={1}
            />
            <NumberField
              label={t.companies.burst}
              value={value.burst_size}
              onChange={(burst_size) => set({ burst_size })}
              readOnly={readOnly}
              min={1}
            />
          </div>
        </>
      )}
    </ConfigForm>
  );
}
