import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import Tooltip from "@mui/material/Tooltip";
import { Ellipsis, PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { useState } from "react";
import { NavLink } from "react-router";

import type { Me } from "@/api/types";
import { Kbd } from "@/components/bits";
import { useOverview } from "@/live/overview";
import { brief } from "@/lib/format";
import { prefer, preferences } from "@/lib/preferences";
import { useScope } from "@/lib/scope";
import { useStorePart } from "@/lib/store";
import { t } from "@/lib/strings";

import { CompanySwitcher } from "./CompanySwitcher";
import { grouped, navigationFor, type NavigationItem } from "./navigation";
import css from "./Rail.module.css";

function useCounts(): (item: NavigationItem) => string | null {
  const { companies } = useScope();
  const { data } = useOverview(companies);
  return (item) => (item.count && data ? brief(data[item.count]) : null);
}

function Item({
  item,
  collapsed,
  count,
}: {
  item: NavigationItem;
  collapsed: boolean;
  count: string | null;
}) {
  const { path } = useScope();
  const Icon = item.icon;
  const link = (
    <NavLink
      to={path(item.path)}
      className={({ isActive }) => `${css.item ?? ""} ${isActive ? (css.current ?? "") : ""}`}
      aria-label={collapsed ? item.label : undefined}
    >
      <Icon size={16} aria-hidden="true" />
      {!collapsed && <span className={css.label}>{item.label}</span>}
      {!collapsed && count !== null && <span className={css.count}>{count}</span>}
    </NavLink>
  );
  return collapsed ? (
    <Tooltip title={item.label} placement="right">
      <span>{link}</span>
    </Tooltip>
  ) : (
    link
  );
}

function Groups({ me, collapsed }: { me: Me; collapsed: boolean }) {
  const countOf = useCounts();
  return grouped(navigationFor(me.verbs)).map(([group, items]) => (
    <div key={group} className={css.group}>
      {collapsed ? <div className={css.rule} /> : <div className={css.heading}>{group}</div>}
      {items.map((item) => (
        <Item key={item.path} item={item} collapsed={collapsed} count={countOf(item)} />
      ))}
    </div>
  ));
}

/** The way to every page that exists; `[` folds it to its icons. */
export function Rail({ me }: { me: Me }) {
  const collapsed = useStorePart(preferences, (value) => value.railCollapsed);
  const label = collapsed ? t.shell.expand : t.shell.collapse;
  return (
    <nav
      className={`${css.rail ?? ""} ${collapsed ? (css.collapsed ?? "") : ""}`}
      aria-label={t.shell.navigation}
    >
      <CompanySwitcher me={me} collapsed={collapsed} />
      <div className={css.pages}>
        <Groups me={me} collapsed={collapsed} />
      </div>
      <div className={css.foot}>
        <Tooltip
          title={
            <>
              {label} <Kbd>[</Kbd>
            </>
          }
          placement="right"
        >
          <IconButton aria-label={label} onClick={() => prefer({ railCollapsed: !collapsed })}>
            {collapsed ? <PanelLeftOpen size={16} /> : <PanelLeftClose size={16} />}
          </IconButton>
        </Tooltip>
        {!collapsed && <span className={css.version}>{t.shell.version(me.version)}</span>}
      </div>
    </nav>
  );
}

/** On a phone: the first pages as thumbs reach them, the others in a drawer. */
export function BottomBar({ me }: { me: Me }) {
  const [open, setOpen] = useState(false);
  const { path } = useScope();
  const first = navigationFor(me.verbs).slice(0, 3);
  return (
    <nav className={css.bottom} aria-label={t.shell.navigation}>
      {first.map((item) => (
        <NavLink
          key={item.path}
          to={path(item.path)}
          className={({ isActive }) => `${css.thumb ?? ""} ${isActive ? (css.current ?? "") : ""}`}
        >
          <item.icon size={20} aria-hidden="true" />
          {item.path === "overview" ? t.shell.now : item.label}
        </NavLink>
      ))}
      <button type="button" className={css.thumb} onClick={() => setOpen(true)} aria-expanded={open}>
        <Ellipsis size={20} aria-hidden="true" />
        {t.shell.more}
      </button>
      <Drawer open={open} onClose={() => setOpen(false)} anchor="left">
        {/* Any choice in the drawer closes it; the links themselves stay ordinary links. */}
        {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
        <div
          className={css.drawer}
          onClick={(event) => (event.target as Element).closest("a") && setOpen(false)}
        >
          <CompanySwitcher me={me} collapsed={false} />
          <Groups me={me} collapsed={false} />
        </div>
      </Drawer>
    </nav>
  );
}
