import Dialog from "@mui/material/Dialog";
import { useColorScheme } from "@mui/material/styles";
import { Command } from "cmdk";
import { useState } from "react";
import { useLocation, useNavigate } from "react-router";

import type { Me } from "@/api/types";
import { SeverityMark } from "@/components/Severity";
import { useIncidentList } from "@/live/lists";
import { togglePause } from "@/live/useLiveFeed";
import { shortId } from "@/lib/format";
import { prefer, preferences } from "@/lib/preferences";
import { ALL, pathInScope, useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import { useSignOut } from "./AccountMenu";
import { navigationFor } from "./navigation";
import css from "./Palette.module.css";

function Entry({
  value,
  onSelect,
  children,
}: {
  value: string;
  onSelect: () => void;
  children: React.ReactNode;
}) {
  return (
    <Command.Item value={value} onSelect={onSelect} className={css.item}>
      {children}
    </Command.Item>
  );
}

function useCommands(onShortcuts: () => void): [string, () => void][] {
  const { setMode } = useColorScheme();
  const signOut = useSignOut();
  return [
    [`${t.shell.theme}: ${t.shell.dark}`, () => setMode("dark")],
    [`${t.shell.theme}: ${t.shell.light}`, () => setMode("light")],
    [`${t.shell.theme}: ${t.shell.system}`, () => setMode("system")],
    [`${t.shell.density}: ${t.shell.compact}`, () => prefer({ density: "compact" })],
    [`${t.shell.density}: ${t.shell.comfortable}`, () => prefer({ density: "comfortable" })],
    [t.shell.collapse, () => prefer({ railCollapsed: !preferences.get().railCollapsed })],
    [t.shell.pauseLive, togglePause],
    [t.shell.shortcuts, onShortcuts],
    [t.shell.signOut, () => void signOut()],
  ];
}

/** Everything by its name: pages, open incidents, companies, commands. */
export default function Palette({
  me,
  onClose,
  onShortcuts,
}: {
  me: Me;
  onClose: () => void;
  onShortcuts: () => void;
}) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const scope = useScope();
  const commands = useCommands(onShortcuts);
  const incidents = useIncidentList({ company_id: scope.companies, status: ["open"], sort: "priority" });
  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  const go = (path: string) => then(() => void navigate(path));
  return (
    <Dialog
      open
      onClose={onClose}
      fullWidth
      maxWidth="sm"
      aria-labelledby="palette-name"
      sx={{ "& .MuiDialog-container": { alignItems: "flex-start" } }}
    >
      <h2 id="palette-name" className="visually-hidden">
        {t.shell.palette}
      </h2>
      <Command label={t.shell.palette} className={css.palette} loop>
        <Command.Input
          autoFocus
          value={text}
          onValueChange={setText}
          placeholder={t.shell.paletteHint}
          className={css.input}
        />
        <Command.List className={css.list}>
          <Command.Empty className={css.none}>{t.shell.paletteEmpty}</Command.Empty>
          <Command.Group heading={t.shell.goTo}>
            {navigationFor(me.verbs).map((item) => (
              <Entry key={item.path} value={`go ${item.label}`} onSelect={go(scope.path(item.path))}>
                <item.icon size={14} aria-hidden="true" />
                {item.label}
              </Entry>
            ))}
          </Command.Group>
          {text !== "" && (
            <Command.Group heading={t.shell.incidents}>
              {(incidents.rows ?? []).slice(0, 100).map((incident) => (
                <Entry
                  key={incident.id}
                  value={`${incident.title} ${incident.id} ${shortId("INC", incident.id)}`}
                  onSelect={go(scope.path(`incidents/${incident.id}`))}
                >
                  <SeverityMark severity={incident.severity} />
                  <span className="ellipsis">{incident.title}</span>
                  <span className={css.trailing}>{shortId("INC", incident.id)}</span>
                </Entry>
              ))}
            </Command.Group>
          )}
          <Command.Group heading={t.shell.companies}>
            {[{ id: ALL, name: t.shell.allCompanies }, ...me.companies].map((company) => (
              <Entry
                key={company.id}
                value={`company ${company.name} ${company.id}`}
                onSelect={go(pathInScope(pathname, company.id))}
              >
                {company.name}
              </Entry>
            ))}
          </Command.Group>
          <Command.Group heading={t.shell.commands}>
            {commands.map(([label, act]) => (
              <Entry key={label} value={label} onSelect={then(act)}>
                {label}
              </Entry>
            ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}
