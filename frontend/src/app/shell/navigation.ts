import {
  Building2,
  Inbox,
  LayoutDashboard,
  ListChecks,
  ScrollText,
  Server,
  ShieldAlert,
  Users,
  type LucideIcon,
} from "lucide-react";

import { t } from "@/lib/strings";

/** A page of the rail: who may see it, and the letter after `g` that leads to it. */
export interface NavigationItem {
  path: string;
  label: string;
  group: string;
  icon: LucideIcon;
  verb: string;
  key?: string;
  count?: "open" | "active_alerts";
}

const items: NavigationItem[] = [
  {
    path: "overview",
    label: t.shell.overview,
    group: t.shell.respond,
    icon: LayoutDashboard,
    verb: "incident.read",
    key: "h",
  },
  {
    path: "incidents",
    label: t.shell.incidents,
    group: t.shell.respond,
    icon: ShieldAlert,
    verb: "incident.read",
    key: "i",
    count: "open",
  },
  {
    path: "alerts",
    label: t.shell.alerts,
    group: t.shell.respond,
    icon: Inbox,
    verb: "alert.read",
    key: "a",
    count: "active_alerts",
  },
  {
    path: "companies",
    label: t.shell.companies,
    group: t.shell.estate,
    icon: Building2,
    verb: "company.read",
    key: "c",
  },
  {
    path: "assets",
    label: t.shell.assets,
    group: t.shell.estate,
    icon: Server,
    verb: "asset.read",
    key: "s",
  },
  { path: "people", label: t.shell.people, group: t.shell.estate, icon: Users, verb: "user.read", key: "p" },
  {
    path: "ledger",
    label: t.shell.ledger,
    group: t.shell.learn,
    icon: ListChecks,
    verb: "ledger.read",
    key: "e",
  },
  {
    path: "audit",
    label: t.shell.audit,
    group: t.shell.learn,
    icon: ScrollText,
    verb: "audit.read",
    key: "l",
  },
];

export const navigationFor = (verbs: readonly string[]): NavigationItem[] =>
  items.filter((item) => verbs.includes(item.verb));

export function grouped(list: readonly NavigationItem[]): [group: string, items: NavigationItem[]][] {
  const groups = new Map<string, NavigationItem[]>();
  for (const item of list) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  return [...groups];
}
