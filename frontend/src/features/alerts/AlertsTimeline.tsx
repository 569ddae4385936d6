import Button from "@mui/material/Button";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";

import type { Alert } from "@/api/types";
import { SeverityMark, SeverityShape } from "@/components/Severity";
import { Empty } from "@/components/states";
import { count } from "@/lib/format";
import { usePhone } from "@/lib/media";
import { useNow } from "@/lib/now";
import { useScrollMemory } from "@/lib/scrollMemory";
import { t } from "@/lib/strings";
import { shortTime } from "@/lib/time";
import { useParam } from "@/lib/url";

import { lanesOf, spanOf, ticksOf, type Lane, type Span } from "./lanes";
import css from "./timeline.module.css";

const HOUR_MS = 3_600_000;
const hours = { "1h": 1, "6h": 6, "24h": 24, "7d": 168 } as const;
type Window = keyof typeof hours;
const windows = Object.keys(hours) as Window[];
const TRACK_PX = 22;

const share = (at: number, axis: Span): number => ((at - axis.from) / (axis.to - axis.from)) * 100;

function Bar({ alert, axis, onPick }: { alert: Alert; axis: Span; onPick: (alert: Alert) => void }) {
  const { from, to } = spanOf(alert, axis);
  const left = Math.max(0, share(from, axis));
  const open = alert.resolved_at === null;
  const until = open ? t.status[alert.status] : shortTime(to, axis.to);
  const said = `${t.severity[alert.severity]}: ${alert.message}, ${shortTime(Date.parse(alert.timestamp), axis.to)} – ${until}`;
  return (
    <button
      type="button"
      data-testid="alert-bar"
      className={`${css.bar ?? ""} ${open ? (css.open ?? "") : ""}`}
      style={{
        left: `min(${left}%, 100% - 30px)`,
        width: `${share(to, axis) - left}%`,
        color: `var(--${alert.severity === "unknown" ? "info" : alert.severity})`,
      }}
      aria-label={said}
      title={said}
      onClick={() => onPick(alert)}
    >
      <SeverityShape severity={alert.severity} />
      <span aria-hidden="true">{alert.message}</span>
    </button>
  );
}

function LaneRow({ lane, axis, onPick }: { lane: Lane; axis: Span; onPick: (alert: Alert) => void }) {
  return (
    <>
      <div className={css.name}>
        <SeverityMark severity={lane.severity} />
        <strong className="ellipsis" title={lane.asset}>
          {lane.asset}
        </strong>
        <span className="muted">
          {count(lane.count)}
          {lane.hidden > 0 && ` (${t.alerts.notDrawn(lane.hidden)})`}
        </span>
      </div>
      <div>
        {lane.tracks.map((track, index) => (
          <div key={index} className={css.track}>
            {track.map((alert) => (
              <Bar key={alert.id} alert={alert} axis={axis} onPick={onPick} />
            ))}
          </div>
        ))}
      </div>
    </>
  );
}

interface Props {
  alerts: readonly Alert[];
  hasMore: boolean;
  onMore: () => void;
  onPick: (alert: Alert) => void;
}

/** When alerts were open, asset by asset: what began together stands under one another. */
export default function AlertsTimeline({ alerts, hasMore, onMore, onPick }: Props) {
  const [param, setParam] = useParam("span");
  const window = windows.find((each) => each === param) ?? "6h";
  const now = useNow(30);
  const phone = usePhone();
  const axis = useMemo(() => ({ from: now - hours[window] * HOUR_MS, to: now }), [now, window]);
  const lanes = useMemo(() => lanesOf(alerts, axis), [alerts, axis]);
  const scroller = useRef<HTMLDivElement>(null);
  const scroll = useScrollMemory("timeline");
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not in use; the virtualizer is read here only
  const virtual = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => lanes[index]?.key ?? index,
    estimateSize: (index) => (lanes[index]?.tracks.length ?? 1) * TRACK_PX + (phone ? 34 : 10),
    overscan: 8,
    initialRect: { width: 1000, height: 640 },
    initialOffset: scroll.initial.top,
  });
  const oldest = alerts.at(-1);
  const short = hasMore && oldest !== undefined && Date.parse(oldest.received_at) > axis.from;
  return (
    <>
      <div className={css.tools}>
        <ToggleButtonGroup
          size="small"
          exclusive
          value={window}
          onChange={(_, next: Window | null) => next && setParam(next === "6h" ? null : next)}
          aria-label={t.alerts.window}
        >
          {windows.map((each) => (
            <ToggleButton key={each} value={each}>
              {t.alerts.windows[each]}
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
        {short && (
          <>
            <span className="muted">
              {t.alerts.reachesBack(count(alerts.length), shortTime(Date.parse(oldest.received_at), now))}
            </span>
            <Button onClick={onMore}>{t.common.loadMore}</Button>
          </>
        )}
      </div>
      <div
        ref={scroller}
        className={css.scroller}
        // A region that scrolls has to be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="region"
        aria-label={t.alerts.timeline}
        onScroll={(event) => scroll.remember({ top: event.currentTarget.scrollTop })}
      >
        <div className={css.axis} aria-hidden="true">
          <div className={css.span}>
            {ticksOf(axis, phone ? 3 : 7).map((tick) => (
              <span key={tick} className={css.tick} style={{ left: `${share(tick, axis)}%` }}>
                {shortTime(tick, now)}
              </span>
            ))}
          </div>
        </div>
        {lanes.length === 0 && <Empty title={t.alerts.noneInWindow} />}
        <ul className={css.lanes} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const lane = lanes[item.index];
            return (
              lane && (
                <li
                  key={item.key}
                  className={css.lane}
                  style={{ transform: `translateY(${item.start}px)`, height: item.size }}
                >
                  <LaneRow lane={lane} axis={axis} onPick={onPick} />
                </li>
              )
            );
          })}
        </ul>
      </div>
    </>
  );
}
