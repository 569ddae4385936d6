import Button from "@mui/material/Button";
import FormControlLabel from "@mui/material/FormControlLabel";
import Switch from "@mui/material/Switch";
import TextField from "@mui/material/TextField";
import { useState, type ReactNode } from "react";

import { useMay } from "@/api/session";
import type { CompanyConfigs, ConfigType } from "@/api/types";
import { Card } from "@/components/bits";
import { Loaded } from "@/components/states";
import { t } from "@/lib/strings";

import css from "./companies.module.css";
import { useConfig, useSaveConfig } from "./queries";

export interface Draft<T> {
  value: T;
  set: (change: Partial<T>) => void;
  readOnly: boolean;
}

export function NumberField({
  label,
  value,
  onChange,
  readOnly,
  min = 0,
}: {
  label: string;
  value: number;
  onChange: (value: number) => void;
  readOnly: boolean;
  min?: number;
}) {
  const [text, setText] = useState(String(value));
  const parsed = Number(text);
  const wrong = text.trim() === "" || !Number.isInteger(parsed) || parsed < min;
  return (
    <TextField
      label={label}
      value={text}
      error={wrong}
      disabled={readOnly}
      onChange={(event) => {
        setText(event.target.value);
        const next = Number(event.target.value);
        if (event.target.value.trim() !== "" && Number.isInteger(next) && next >= min) onChange(next);
      }}
      slotProps={{ htmlInput: { inputMode: "numeric" } }}
    />
  );
}

export function SwitchField({
  label,
  value,
  onChange,
  readOnly,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
  readOnly: boolean;
}) {
  return (
    <FormControlLabel
      control={
        <Switch size="small" checked={value} disabled={readOnly} onChange={(_, wanted) => onChange(wanted)} />
      }
      label={label}
    />
  );
}

function Editor<T extends ConfigType>({
  companyId,
  type,
  config,
  children,
}: {
  companyId: string;
  type: T;
  config: CompanyConfigs[T];
  children: (draft: Draft<CompanyConfigs[T]>) => ReactNode;
}) {
  const may = useMay();
  const readOnly = !may("config.write");
  const save = useSaveConfig(companyId, type);
  const [value, setValue] = useState(config);
  const changed = JSON.stringify(value) !== JSON.stringify(config);
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    save.mutate({ next: value, before: config });
  };
  return (
    <form onSubmit={submit} className={css.fields}>
      {children({ value, set: (change) => setValue((previous) => ({ ...previous, ...change })), readOnly })}
      {!readOnly && (
        <div>
          <Button type="submit" disabled={!changed || save.isPending}>
            {save.isPending ? t.common.saving : t.common.save}
          </Button>
        </div>
      )}
    </form>
  );
}

/** One settings document as a card: fields, and Save once something differs. Undo brings back what was. */
export function ConfigForm<T extends ConfigType>(props: {
  title: string;
  companyId: string;
  type: T;
  hint?: string;
  children: (draft: Draft<CompanyConfigs[T]>) => ReactNode;
}) {
  const query = useConfig(props.companyId, props.type);
  return (
    <Card title={props.title}>
      <Loaded query={query} what={props.title} rows={3}>
        {(config) => (
          // A saved, undone or rotated document starts its form anew.
          <Editor key={JSON.stringify(config)} companyId={props.companyId} type={props.type} config={config}>
            {props.children}
          </Editor>
        )}
      </Loaded>
      {props.hint && <p className={`muted ${css.hint ?? ""}`}>{props.hint}</p>}
    </Card>
  );
}
