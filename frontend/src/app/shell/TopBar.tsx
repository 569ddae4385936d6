import { Search } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Me } from "@/api/types";
import { Kbd } from "@/components/bits";
import { shortId } from "@/lib/format";
import { useNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { clockTime, zoneName } from "@/lib/time";

import { AccountMenu } from "./AccountMenu";
import { LiveChip } from "./LiveChip";
import { navigationFor } from "./navigation";
import css from "./TopBar.module.css";

const apple = navigator.userAgent.includes("Mac");

function Breadcrumb({ me }: { me: Me }) {
  const { pathname } = useLocation();
  const { id } = useParams();
  const scope = useScope();
  const companyName = useCompanyName();
  const [, , , page = ""] = pathname.split("/");
  const item = navigationFor(me.verbs).find((other) => other.path === page);
  const last = id && (page === "companies" ? companyName(id) : shortId("INC", id));
  const ofCompany = scope.company !== null && !(id && page === "companies");
  return (
    <nav aria-label={t.shell.breadcrumb} className={css.crumbs}>
      {ofCompany && <span className={css.crumbCompany}>{companyName(scope.company ?? "")}</span>}
      {item && (last ? <Link to={scope.path(item.path)}>{item.label}</Link> : <span>{item.label}</span>)}
      {last && <span aria-current="page">{last}</span>}
    </nav>
  );
}

function ClockFace() {
  const now = useNow(1);
  return (
    <time className={css.clock} dateTime={new Date(now).toISOString()}>
      {clockTime(now)} <span className="muted">{zoneName(now)}</span>
    </time>
  );
}

export function TopBar(props: { me: Me; onPalette: () => void; onShortcuts: () => void }) {
  return (
    <header className={css.bar}>
      <Breadcrumb me={props.me} />
      <button type="button" className={css.search} onClick={props.onPalette}>
        <Search size={14} aria-hidden="true" />
        <span className={css.searchText}>{t.shell.search}</span>
        <Kbd>{apple ? "⌘K" : "Ctrl K"}</Kbd>
      </button>
      <LiveChip />
      <ClockFace />
      <AccountMenu me={props.me} onShortcuts={props.onShortcuts} />
    </header>
  );
}
