import Divider from "@mui/material/Divider";
import IconButton from "@mui/material/IconButton";
import ListSubheader from "@mui/material/ListSubheader";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useColorScheme } from "@mui/material/styles";
import { useQueryClient } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useNavigate } from "react-router";

import { api, body } from "@/api/client";
import type { Me } from "@/api/types";
import { prefer, preferences } from "@/lib/preferences";
import { useStore } from "@/lib/store";
import { t } from "@/lib/strings";

import css from "./AccountMenu.module.css";

const PasswordDialog = lazy(() => import("./PasswordDialog"));

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => word[0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();

/** Ends the session here and on the server, and forgets what was read in it. */
export function useSignOut(): () => Promise<void> {
  const cache = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    await body(api.POST("/api/auth/logout", { body: {} }));
    cache.clear();
    await navigate("/sign-in");
  };
}

export function AccountMenu({ me, onShortcuts }: { me: Me; onShortcuts: () => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [changing, setChanging] = useState(false);
  const { mode, setMode } = useColorScheme();
  const { density, singleKeys } = useStore(preferences);
  const signOut = useSignOut();
  const close = () => setAnchor(null);
  const choice = (text: string, chosen: boolean, choose: () => void) => (
    <MenuItem key={text} onClick={choose} role="menuitemradio" aria-checked={chosen} dense>
      <span className={css.tick}>{chosen && <Check size={14} aria-hidden="true" />}</span>
      {text}
    </MenuItem>
  );
  return (
    <>
      <IconButton
        aria-label={t.shell.account}
        aria-haspopup="menu"
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <span className={css.avatar}>{initials(me.user.name)}</span>
      </IconButton>
      <Menu
        open={anchor !== null}
        anchorEl={anchor}
        onClose={close}
        slotProps={{ list: { "aria-label": t.shell.account } }}
      >
        <ListSubheader className={css.who} role="presentation">
          <strong>{me.user.name}</strong>
          <span>{me.user.email}</span>
          <span>{t.shell.role[me.user.role]}</span>
        </ListSubheader>
        <Divider />
        <ListSubheader className={css.section} role="presentation">
          {t.shell.theme}
        </ListSubheader>
        {(["system", "dark", "light"] as const).map((name) =>
          choice(t.shell[name], mode === name, () => setMode(name)),
        )}
        <ListSubheader className={css.section} role="presentation">
          {t.shell.density}
        </ListSubheader>
        {(["compact", "comfortable"] as const).map((name) =>
          choice(t.shell[name], density === name, () => prefer({ density: name })),
        )}
        <Divider />
        {choice(t.shell.singleKeys, singleKeys, () => prefer({ singleKeys: !singleKeys }))}
        <MenuItem
          dense
          onClick={() => {
            close();
            onShortcuts();
          }}
        >
          <span className={css.tick} />
          {t.shell.shortcuts}
        </MenuItem>
        <MenuItem
          dense
          onClick={() => {
            close();
            setChanging(true);
          }}
        >
          <span className={css.tick} />
          {t.shell.changePassword}
        </MenuItem>
        <MenuItem dense onClick={() => void signOut()}>
          <span className={css.tick} />
          {t.shell.signOut}
        </MenuItem>
      </Menu>
      <Suspense>{changing && <PasswordDialog onClose={() => setChanging(false)} />}</Suspense>
    </>
  );
}
