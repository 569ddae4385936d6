import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";

import { t } from "@/lib/strings";

import css from "./companies.module.css";
import { ConfigForm, NumberField, SwitchField } from "./ConfigForm";

/** The choices for the key; a list of fields set through the API is kept and shown as it is. */
function keyOptions(current: string | string[]): [value: string, text: string][] {
  const known = Object.entries(t.companies.aggregations);
  return Array.isArray(current)
    ? [...known, [current.join("|"), t.companies.customFields(current.join(", "))]]
    : known;
}

const joined = (key: string | string[]): string => (Array.isArray(key) ? key.join("|") : key);

export function CorrelationCard({ companyId }: { companyId: string }) {
  return (
    <ConfigForm
      title={t.companies.correlation}
      companyId={companyId}
      type="correlation"
      hint={t.companies.correlationHint}
    >
      {({ value, set, readOnly }) => (
        <>
          <SwitchField
            label={t.companies.auto}
            value={value.auto_correlate}
            onChange={(auto_correlate) => set({ auto_correlate })}
            readOnly={readOnly}
          />
          <TextField
            select
            label={t.companies.aggregation}
            value={joined(value.aggregation_key)}
            disabled={readOnly}
            onChange={(event) => set({ aggregation_key: event.target.value })}
          >
            {keyOptions(value.aggregation_key).map(([key, text]) => (
              <MenuItem key={key} value={key}>
                {text}
              </MenuItem>
            ))}
          </TextField>
          <div className={css.pair}>
            <NumberField
              label={t.companies.window}
              value={value.time_window_minutes}
              onChange={(time_window_minutes) => set({ time_window_minutes })}
              readOnly={readOnly}
              min={1}
            />
            <NumberField
              label={t.companies.minimum}
              value={value.min_alerts_for_incident}
              onChange={(min_alerts_for_incident) => set({ min_alerts_for_incident })}
              readOnly={readOnly}
              min={1}
            />
          </div>
          <SwitchField
            label={t.companies.resolveWith}
            value={value.resolve_with_alerts}
            onChange={(resolve_with_alerts) => set({ resolve_with_alerts })}
            readOnly={readOnly}
          />
          <div className={css.pair}>
            <NumberField
              label={t.companies.quiet}
              value={value.resolve_quiet_minutes}
              onChange={(resolve_quiet_minutes) => set({ resolve_quiet_minutes })}
              readOnly={readOnly}
            />
            <NumberField
              label={t.companies.reopen}
              value={value.reopen_hours}
              onChange={(reopen_hours) => set({ reopen_hours })}
              readOnly={readOnly}
            />
          </div>
        </>
      )}
    </ConfigForm>
  );
}
