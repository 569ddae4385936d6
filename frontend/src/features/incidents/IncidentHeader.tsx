import IconButton from "@mui/material/IconButton";
import TextField from "@mui/material/TextField";
import Tooltip from "@mui/material/Tooltip";
import { Pencil } from "lucide-react";
import { useState } from "react";

import { usePersonName } from "@/api/people";
import { useCompanyName, useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { IncidentState } from "@/components/IncidentState";
import { Pill } from "@/components/Pill";
import { SeverityBadge } from "@/components/Severity";
import { useIncidentVerbs } from "@/live/incidentVerbs";
import { useNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { exactTime, shortTime, span } from "@/lib/time";

import css from "./incident.module.css";

function Title({ incident }: { incident: Incident }) {
  const may = useMay();
  const run = useIncidentVerbs();
  const [draft, setDraft] = useState<string | null>(null);
  const save = (event: React.SyntheticEvent) => {
    event.preventDefault();
    const title = draft?.trim();
    setDraft(null);
    if (title && title !== incident.title) {
      void run([{ incident, verb: "title", body: { title }, foreseen: { title } }]);
    }
  };
  if (draft !== null) {
    return (
      <form onSubmit={save} className={css.titleForm}>
        <TextField
          autoFocus
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={save}
          onKeyDown={(event) => {
            if (event.key === "Escape") setDraft(null);
          }}
          slotProps={{ htmlInput: { "aria-label": t.incidents.titleLabel } }}
        />
      </form>
    );
  }
  return (
    <div className={css.title}>
      <h1>{incident.title}</h1>
      {may("incident.title") && (
        <Tooltip title={t.incidents.editTitle}>
          <IconButton aria-label={t.incidents.editTitle} onClick={() => setDraft(incident.title)}>
            <Pencil size={14} />
          </IconButton>
        </Tooltip>
      )}
    </div>
  );
}

export function IncidentHeader({ incident }: { incident: Incident }) {
  const may = useMay();
  const now = useNow(5);
  const companyName = useCompanyName();
  const personName = usePersonName();
  const opened = Date.parse(incident.created_at);
  const acknowledgedBy = personName(incident.acknowledged_by);
  const acknowledged =
    incident.status === "in_progress" && incident.acknowledged_at && acknowledgedBy
      ? t.incidents.acknowledgedByName(acknowledgedBy)
      : undefined;
  const snoozedUntil = incident.snoozed_until === null ? null : Date.parse(incident.snoozed_until);
  const snoozed = snoozedUntil !== null && snoozedUntil > now;
  return (
    <header className={css.header}>
      <div className={css.meta}>
        <SeverityBadge severity={incident.severity} />
        <IncidentState
          incident={incident}
          label={snoozed ? t.incidents.snoozedUntil(shortTime(snoozedUntil, now)) : acknowledged}
        />
        {incident.escalated && incident.status !== "escalated" && (
          <Pill tone="high">{t.incidents.escalatedTo(incident.escalation_level)}</Pill>
        )}
        <span className="muted">
          {companyName(incident.company_id)} ·{" "}
          <Tooltip title={exactTime(opened)}>
            <time dateTime={incident.created_at}>{t.incidents.opened(shortTime(opened, now))}</time>
          </Tooltip>{" "}
          · {span((incident.resolved_at ? Date.parse(incident.resolved_at) : now) - opened)} ·{" "}
          {t.incidents.alertsFrom(incident.alert_count, incident.tool_sources.length)}
          {incident.occurrences > incident.alert_count &&
            ` · ${t.incidents.occurrences(incident.occurrences)}`}
          {may("incident.read_internal") &&
            ` · ${incident.assigned_name ? t.incidents.ownedBy(incident.assigned_name) : t.incidents.unowned}`}
        </span>
      </div>
      <Title incident={incident} />
    </header>
  );
}
