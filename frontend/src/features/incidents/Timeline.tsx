import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import { useRef, useState } from "react";

import { useMay } from "@/api/session";
import type { Incident, TimelineEntry } from "@/api/types";
import { Card, Kbd } from "@/components/bits";
import { Empty, Loaded } from "@/components/states";
import Tooltip from "@mui/material/Tooltip";
import { useIncidentVerbs } from "@/live/incidentVerbs";
import { useShortcuts } from "@/lib/keyboard";
import { useNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { clockTime, exactTime, shortTime } from "@/lib/time";

import css from "./incident.module.css";
import { useTimeline } from "./queries";

type Shown = keyof typeof t.incidents.timelineFilters;

const shownBy: Record<Shown, (entry: TimelineEntry) => boolean> = {
  all: () => true,
  people: (entry) => entry.kind === "verb" || entry.kind === "note",
  notes: (entry) => entry.kind === "note",
  alerts: (entry) => !["verb", "note"].includes(entry.kind),
};

const tones: Record<string, string | undefined> = {
  created: css.toneCritical,
  alert: css.toneHigh,
  resolved_by_source: css.toneOk,
  reopened: css.toneHigh,
  note: css.toneLow,
};

const verbTones: Record<string, string | undefined> = {
  acknowledge: css.toneAcknowledged,
  resolve: css.toneOk,
  escalate: css.toneHigh,
};

const toneOf = (entry: TimelineEntry): string =>
  verbTones[entry.verb] ?? tones[entry.kind] ?? css.toneLow ?? "";

const instants = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Instants inside a sentence of the server, in the viewer's zone. */
const localised = (text: string, now: number): string =>
  text.replace(instants, (instant) => shortTime(Date.parse(instant), now));

function EntryLine({ entry, now }: { entry: TimelineEntry; now: number }) {
  const at = Date.parse(entry.at);
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  const who = entry.actor.kind === "user" ? entry.actor.name : null;
  return (
    <li
      id={entry.id}
      className={`${css.entry ?? ""} ${toneOf(entry)} ${entry.undone ? (css.undone ?? "") : ""}`}
    >
      <Tooltip title={exactTime(at)}>
        <time dateTime={entry.at}>{today ? clockTime(at) : shortTime(at, now)}</time>
      </Tooltip>
      <div className={css.entryText}>
        <span className={entry.kind === "note" ? css.note : undefined}>{localised(entry.text, now)}</span>
        {who && !entry.text.includes(who) && <span className="muted"> {`${t.incidents.by} ${who}`}</span>}
        {entry.undone && <span className="muted"> ({t.incidents.undoneMark})</span>}
      </div>
    </li>
  );
}

const draftKey = (id: string) => `aw-note-${id}`;

/** Writes a note; a half-written one survives a reload and the end of a session. */
function NoteForm({ incident, onClose }: { incident: Incident; onClose: () => void }) {
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey(incident.id)) ?? "");
  const run = useIncidentVerbs();
  const typed = (next: string) => {
    setText(next);
    sessionStorage.setItem(draftKey(incident.id), next);
  };
  const save = async (event: React.SyntheticEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    const after = await run([{ incident, verb: "note", body: { text: text.trim() } }]);
    if (after.length === 0) return;
    sessionStorage.removeItem(draftKey(incident.id));
    onClose();
  };
  return (
    <form className={css.noteForm} onSubmit={save}>
      <TextField
        autoFocus
        multiline
        minRows={2}
        label={t.incidents.noteLabel}
        placeholder={t.incidents.notePlaceholder}
        value={text}
        onChange={(event) => typed(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save(event);
        }}
      />
      <div className={css.noteButtons}>
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button type="submit" variant="contained" disabled={!text.trim()}>
          {t.incidents.saveNote}
        </Button>
      </div>
    </form>
  );
}

/** One stream of everything that happened, newest first. */
export function Timeline({ incident }: { incident: Incident }) {
  const query = useTimeline(incident);
  const now = useNow(60);
  const may = useMay();
  const [shown, setShown] = useState<Shown>("all");
  const [writing, setWriting] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const mayNote = may("incident.note");
  useShortcuts(
    mayNote
      ? [{ keys: "c", label: t.incidents.verbs.note, group: t.incidents.one, run: () => setWriting(true) }]
      : [],
  );
  const close = () => {
    setWriting(false);
    button.current?.focus();
  };
  return (
    <Card
      title={t.incidents.timeline}
      testId="timeline"
      aside={
        <div className={css.timelineTools}>
          <ToggleButtonGroup
            size="small"
            exclusive
            value={shown}
            onChange={(_, next: Shown | null) => next && setShown(next)}
            aria-label={t.common.filters}
          >
            {(Object.keys(shownBy) as Shown[]).map((name) => (
              <ToggleButton key={name} value={name}>
                {t.incidents.timelineFilters[name]}
              </ToggleButton>
            ))}
          </ToggleButtonGroup>
          {mayNote && (
            <Button ref={button} onClick={() => setWriting(true)} endIcon={<Kbd>C</Kbd>}>
              {t.incidents.verbs.note}
            </Button>
          )}
        </div>
      }
    >
      {writing && <NoteForm incident={incident} onClose={close} />}
      <Loaded query={query} what={t.incidents.timeline} rows={4}>
        {(entries) => {
          const visible = entries.filter(shownBy[shown]).toReversed();
          return visible.length === 0 ? (
            <Empty title={t.incidents.timelineEmpty} />
          ) : (
            <ol className={css.timeline}>
              {visible.map((entry) => (
                <EntryLine key={entry.id} entry={entry} now={now} />
              ))}
            </ol>
          );
        }}
      </Loaded>
    </Card>
  );
}
