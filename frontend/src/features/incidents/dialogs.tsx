import Autocomplete from "@mui/material/Autocomplete";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import type { Incident } from "@/api/types";
import { FormDialog } from "@/components/FormDialog";
import { useIncidentList } from "@/live/lists";
import { shortId } from "@/lib/format";
import { t } from "@/lib/strings";

interface Asked<Answer> {
  onClose: () => void;
  onAnswer: (answer: Answer) => unknown;
}

/** One line and a cause: they feed the figures later, so both are cheap to give and neither is required. */
export function ResolveDialog({ onClose, onAnswer }: Asked<{ notes?: string; cause?: string }>) {
  const [notes, setNotes] = useState("");
  const [cause, setCause] = useState("");
  return (
    <FormDialog
      title={t.incidents.resolveTitle}
      submit={t.incidents.verbs.resolve}
      onClose={onClose}
      onSubmit={() =>
        onAnswer({ ...(notes.trim() ? { notes: notes.trim() } : {}), ...(cause ? { cause } : {}) })
      }
    >
      <TextField
        autoFocus
        label={t.incidents.resolveNotes}
        value={notes}
        onChange={(event) => setNotes(event.target.value)}
      />
      <TextField
        select
        label={t.incidents.resolveCause}
        value={cause}
        onChange={(event) => setCause(event.target.value)}
      >
        <MenuItem value="">{t.common.none}</MenuItem>
        {t.incidents.causes.map((name) => (
          <MenuItem key={name} value={name}>
            {name}
          </MenuItem>
        ))}
      </TextField>
    </FormDialog>
  );
}

export function MergeDialog({ incident, onClose, onAnswer }: Asked<string> & { incident: Incident }) {
  const open = useIncidentList({ company_id: [incident.company_id], status: ["open"], sort: "priority" });
  const others = (open.rows ?? []).filter((other) => other.id !== incident.id);
  const [into, setInto] = useState<Incident | null>(null);
  return (
    <FormDialog
      title={t.incidents.mergeTitle}
      submit={t.incidents.verbs.merge}
      disabled={into === null}
      onClose={onClose}
      onSubmit={() => into && onAnswer(into.id)}
    >
      <p className="muted">
        {open.rows && others.length === 0 ? t.incidents.mergeNone : t.incidents.mergeHint}
      </p>
      <Autocomplete
        options={others}
        value={into}
        onChange={(_, chosen) => setInto(chosen)}
        getOptionKey={(option) => option.id}
        getOptionLabel={(option) => `${shortId("INC", option.id)} ${option.title}`}
        renderInput={(parameters) => <TextField {...parameters} label={t.incidents.mergeInto} />}
      />
    </FormDialog>
  );
}

export function SplitDialog({
  alertIds,
  onClose,
  onAnswer,
}: Asked<{ alert_ids: string[]; title?: string }> & { alertIds: readonly string[] }) {
  const [title, setTitle] = useState("");
  return (
    <FormDialog
      title={t.incidents.splitTitle}
      submit={t.incidents.verbs.split}
      disabled={alertIds.length === 0}
      onClose={onClose}
      onSubmit={() =>
        onAnswer({ alert_ids: [...alertIds], ...(title.trim() ? { title: title.trim() } : {}) })
      }
    >
      <p>{alertIds.length === 0 ? t.incidents.splitNone : t.incidents.splitHint(alertIds.length)}</p>
      <TextField
        label={t.incidents.splitName}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
      />
    </FormDialog>
  );
}
