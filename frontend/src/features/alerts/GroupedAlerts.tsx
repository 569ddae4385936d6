import IconButton from "@mui/material/IconButton";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Link } from "react-router";

import type { Alert } from "@/api/types";
import { Ago } from "@/components/bits";
import { AlertState } from "@/components/IncidentState";
import { RowButton } from "@/components/ListFrame";
import { SeverityMark } from "@/components/Severity";
import { shortId } from "@/lib/format";
import { useNow } from "@/lib/now";
import { useScrollMemory } from "@/lib/scrollMemory";
import { t } from "@/lib/strings";

import css from "./alerts.module.css";
import { groupAlerts, hourStrip, type AlertGroup } from "./groups";

const SHOWN = 50;

/** What needs no name beside it: people know an asset, a signature and a tool when they see one. */
const WELL_KNOWN: ReadonlySet<string> = new Set(["asset", "signature", "tool"]);

function HourStrip({ alerts }: { alerts: readonly Alert[] }) {
  const now = useNow(300);
  const hours = hourStrip(alerts, now);
  const top = Math.max(1, ...hours);
  return (
    <span className={css.hours} role="img" aria-label={`${t.alerts.strip}: ${hours.join(", ")}`}>
      {hours.map((n, hour) => (
        <span key={hour} style={{ opacity: n === 0 ? 0.18 : 0.4 + (0.6 * n) / top }} />
      ))}
    </span>
  );
}

function Group({
  group,
  incidentPath,
  onPick,
}: {
  group: AlertGroup;
  incidentPath: (id: string) => string;
  onPick: (alert: Alert) => void;
}) {
  const [open, setOpen] = useState(false);
  const shared = new Map(group.shared);
  return (
    <article className={css.group}>
      <header className={css.groupHead}>
        <IconButton
          aria-expanded={open}
          aria-label={open ? t.alerts.collapse : t.alerts.expand}
          onClick={() => setOpen(!open)}
        >
          {open ? <ChevronDown size={16} /> : <ChevronRight size={16} />}
        </IconButton>
        <SeverityMark severity={group.severity} />
        <ul className={css.shared}>
          {group.shared.map(([name, value]) => (
            <li key={name} title={`${name} ${value}`}>
              <span className={WELL_KNOWN.has(name) ? "visually-hidden" : "muted"}>{name}</span> {value}
            </li>
          ))}
        </ul>
        <HourStrip alerts={group.alerts} />
        <span className={css.groupCount}>{t.alerts.groupCount(group.alerts.length)}</span>
        <span className={css.groupIncident}>
          {group.incidentId ? (
            <Link to={incidentPath(group.incidentId)}>{shortId("INC", group.incidentId)}</Link>
          ) : (
            <span className="muted" title={t.alerts.ungrouped}>
              {t.common.none}
            </span>
          )}
        </span>
        <span className={css.groupAge}>
          <Ago at={group.lastAt} />
        </span>
      </header>
      {open && (
        <ul className={css.members}>
          {group.alerts.slice(0, SHOWN).map((alert) => (
            <li key={alert.id} data-testid="alert-row">
              <SeverityMark severity={alert.severity} />
              <RowButton onClick={() => onPick(alert)}>
                {shared.has("asset") ? "" : `${alert.asset_name} · `}
                {alert.message}
              </RowButton>
              <AlertState status={alert.status} />
              <Ago at={alert.last_received_at} />
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

/** Alerts by the incident that took them, with what they share lifted to the head of each group. */
export function GroupedAlerts(props: {
  alerts: readonly Alert[];
  incidentPath: (id: string) => string;
  onPick: (alert: Alert) => void;
}) {
  const groups = useMemo(() => groupAlerts(props.alerts), [props.alerts]);
  const scroller = useRef<HTMLDivElement>(null);
  const scroll = useScrollMemory("groups");
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not in use; the virtualizer is read here only
  const virtual = useVirtualizer({
    count: groups.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => groups[index]?.id ?? index,
    estimateSize: () => 41,
    overscan: 8,
    initialRect: { width: 1000, height: 640 },
    initialOffset: scroll.initial.top,
  });
  return (
    // A region that scrolls has to be reachable by keyboard.
    <div
      ref={scroller}
      className={css.groups}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      role="region"
      aria-label={t.alerts.grouped}
      onScroll={(event) => scroll.remember({ top: event.currentTarget.scrollTop })}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const group = groups[item.index];
          return (
            group && (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={css.placed}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Group group={group} incidentPath={props.incidentPath} onPick={props.onPick} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}
