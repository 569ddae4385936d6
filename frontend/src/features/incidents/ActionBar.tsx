import Button from "@mui/material/Button";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";

import { assignable, usePeople } from "@/api/people";
import { useMay, useSession } from "@/api/session";
import type { Incident, User } from "@/api/types";
import { Kbd } from "@/components/bits";
import { useIncidentVerbs, type Ask, type IncidentVerb } from "@/live/incidentVerbs";
import { useShortcuts } from "@/lib/keyboard";
import { serverNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import { MergeDialog, ResolveDialog, SplitDialog } from "./dialogs";
import css from "./incident.module.css";

type BarVerb = Exclude<IncidentVerb, "note" | "title">;

const bar: { verb: BarVerb; keys: string; when: (incident: Incident) => boolean }[] = [
  { verb: "acknowledge", keys: "a", when: (incident) => incident.acknowledged_at === null },
  { verb: "resolve", keys: "r", when: () => true },
  { verb: "assign", keys: "i", when: () => true },
  { verb: "escalate", keys: "e", when: () => true },
  { verb: "snooze", keys: "z", when: () => true },
  { verb: "merge", keys: "m", when: () => true },
  { verb: "split", keys: "s", when: (incident) => incident.alert_count > 1 },
];

function shownVerbs(incident: Incident, may: (verb: string) => boolean): { verb: BarVerb; keys: string }[] {
  const list =
    incident.status === "resolved"
      ? [{ verb: "reopen" as const, keys: "o" }]
      : bar.filter(({ when }) => when(incident));
  return list.filter(({ verb }) => may(`incident.${verb}`));
}

interface Props {
  incident: Incident;
  selectedAlertIds: readonly string[];
  onSplit: () => void;
}

/** Runs one verb on this incident; resolves to what the server answers, or to nothing when it refused. */
function useVerbRunner(incident: Incident): (ask: Ask) => Promise<Incident | undefined> {
  const run = useIncidentVerbs();
  return async (ask) => (await run([{ ...ask, incident }]))[0];
}

function SnoozeMenu({
  anchor,
  snoozed,
  onClose,
  onUntil,
}: {
  anchor: HTMLElement | null;
  snoozed: boolean;
  onClose: () => void;
  onUntil: (until: string | null) => void;
}) {
  return (
    <Menu
      open={anchor !== null}
      anchorEl={anchor}
      onClose={onClose}
      slotProps={{ list: { "aria-label": t.incidents.snoozeTitle } }}
    >
      {snoozed && <MenuItem onClick={() => onUntil(null)}>{t.incidents.verbs.wake}</MenuItem>}
      {Object.entries(t.incidents.snoozeFor).map(([minutes, text]) => (
        <MenuItem
          key={minutes}
          onClick={() => onUntil(new Date(serverNow() + Number(minutes) * 60_000).toISOString())}
        >
          {text}
        </MenuItem>
      ))}
    </Menu>
  );
}

function AssignMenu({
  anchor,
  incident,
  onClose,
  onUser,
}: {
  anchor: HTMLElement | null;
  incident: Incident;
  onClose: () => void;
  onUser: (user: User | null) => void;
}) {
  const { data: me } = useSession();
  const { data: people } = usePeople();
  const others = assignable(people ?? [], incident.company_id).filter((person) => person.id !== me?.user.id);
  return (
    <Menu
      open={anchor !== null}
      anchorEl={anchor}
      onClose={onClose}
      slotProps={{ list: { "aria-label": t.incidents.assignTo } }}
    >
      {me && <MenuItem onClick={() => onUser(me.user)}>{t.incidents.assignMe}</MenuItem>}
      {others.map((person) => (
        <MenuItem key={person.id} onClick={() => onUser(person)}>
          {person.name}
        </MenuItem>
      ))}
      {incident.assigned_to && <MenuItem onClick={() => onUser(null)}>{t.incidents.nobody}</MenuItem>}
    </Menu>
  );
}

/** The verbs of one incident, each with its key; the first one is the primary. */
export function ActionBar({ incident, selectedAlertIds, onSplit }: Props) {
  const may = useMay();
  const scope = useScope();
  const navigate = useNavigate();
  const { data: me } = useSession();
  const run = useVerbRunner(incident);
  const [asking, setAsking] = useState<BarVerb | null>(null);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const buttons = useRef(new Map<BarVerb, HTMLButtonElement>());
  const verbs = shownVerbs(incident, may);

  const close = () => {
    setAsking(null);
    setAnchor(null);
  };
  const assign = (user: User | null) => {
    close();
    const foreseen = { assigned_to: user?.id ?? null, assigned_name: user?.name ?? null };
    void run({ verb: "assign", body: { user_id: user?.id ?? null }, foreseen });
  };
  const start = (verb: BarVerb) => {
    if (verb === "acknowledge" || verb === "escalate" || verb === "reopen") {
      void run({ verb, body: {} });
      return;
    }
    setAsking(verb);
    if (verb === "assign" || verb === "snooze") setAnchor(buttons.current.get(verb) ?? null);
  };
  useShortcuts([
    ...verbs.map(({ verb, keys }) => ({
      keys,
      label: t.incidents.verbs[verb],
      group: t.incidents.one,
      run: () => start(verb),
    })),
    ...(may("incident.assign") && me
      ? [{ keys: "shift+i", label: t.incidents.assignMe, group: t.incidents.one, run: () => assign(me.user) }]
      : []),
  ]);

  const merge = async (into: string) => {
    const after = await run({ verb: "merge", body: { into } });
    if (after) await navigate(scope.path(`incidents/${into}`));
  };
  const split = async (body: { alert_ids: string[]; title?: string }) => {
    const created = await run({ verb: "split", body });
    onSplit();
    if (created) await navigate(scope.path(`incidents/${created.id}`));
  };
  return (
    <div className={css.verbs} role="toolbar" aria-label={t.incidents.one}>
      {verbs.map(({ verb, keys }, index) => (
        <Button
          key={verb}
          ref={(element) => {
            if (element) buttons.current.set(verb, element);
          }}
          variant={index === 0 ? "contained" : "outlined"}
          onClick={() => start(verb)}
          endIcon={<Kbd>{keys.toUpperCase()}</Kbd>}
        >
          {t.incidents.verbs[verb]}
        </Button>
      ))}
      <AssignMenu
        anchor={asking === "assign" ? anchor : null}
        incident={incident}
        onClose={close}
        onUser={assign}
      />
      <SnoozeMenu
        anchor={asking === "snooze" ? anchor : null}
        snoozed={incident.snoozed_until !== null}
        onClose={close}
        onUntil={(until) => {
          close();
          void run({ verb: "snooze", body: { until }, foreseen: { snoozed_until: until } });
        }}
      />
      {asking === "resolve" && (
        <ResolveDialog onClose={close} onAnswer={(body) => run({ verb: "resolve", body })} />
      )}
      {asking === "merge" && <MergeDialog incident={incident} onClose={close} onAnswer={merge} />}
      {asking === "split" && <SplitDialog alertIds={selectedAlertIds} onClose={close} onAnswer={split} />}
    </div>
  );
}
