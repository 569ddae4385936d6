import Button from "@mui/material/Button";
import FormControlLabel from "@mui/material/FormControlLabel";
import Popover from "@mui/material/Popover";
import Switch from "@mui/material/Switch";
import { useState } from "react";

import { Ago, Fact, Facts } from "@/components/bits";
import { askForNotices, noticesPossible } from "@/live/attention";
import { liveStatus, medianLag, type LiveStatus } from "@/live/status";
import { retryLive, togglePause } from "@/live/useLiveFeed";
import { NONE } from "@/lib/format";
import { useNow } from "@/lib/now";
import { prefer, preferences } from "@/lib/preferences";
import { useStore, useStorePart } from "@/lib/store";
import { t } from "@/lib/strings";
import { span } from "@/lib/time";
import { toast } from "@/lib/toasts";

import css from "./LiveChip.module.css";

type Look = "live" | "paused" | "polling" | "disconnected" | "connecting";

function wording(status: LiveStatus, now: number): { look: Look; text: string } {
  if (status.paused) return { look: "paused", text: t.live.paused(status.waiting) };
  switch (status.state) {
    case "live": {
      if (status.caughtUp)
        return { look: "live", text: `${t.live.live} · ${t.live.caughtUp(status.caughtUp)}` };
      const lag = medianLag(status.lags);
      return { look: "live", text: lag === null ? t.live.live : `${t.live.live} · ${t.live.lag(lag)}` };
    }
    case "polling": {
      const age = status.lastHeardAt === null ? "" : ` · ${t.live.old(span(now - status.lastHeardAt))}`;
      return { look: "polling", text: t.live.polling + age };
    }
    case "disconnected": {
      const wait = status.retryAt === null ? "" : ` · ${t.live.retryIn(span(status.retryAt - now))}`;
      return { look: "disconnected", text: t.live.disconnected + wait };
    }
    case "connecting":
      return { look: "connecting", text: t.live.connecting };
  }
}

function NoticesSwitch() {
  const on = useStorePart(preferences, (value) => value.desktopNotices);
  const change = async (wanted: boolean) => {
    if (wanted && !(await askForNotices())) {
      toast(noticesPossible() ? t.live.noticesDenied : t.live.noticesImpossible, { tone: "error" });
      return;
    }
    prefer({ desktopNotices: wanted });
  };
  return (
    <>
      <FormControlLabel
        control={
          <Switch
            size="small"
            checked={on}
            disabled={!noticesPossible()}
            onChange={(_, wanted) => void change(wanted)}
          />
        }
        label={t.live.notices}
      />
      {!noticesPossible() && <p className="muted">{t.live.noticesImpossible}</p>}
    </>
  );
}

function Detail({ status }: { status: LiveStatus }) {
  const lag = medianLag(status.lags);
  return (
    <div className={css.detail}>
      <Facts>
        <Fact label={t.live.lastEvent}>
          {status.lastEventAt === null ? NONE : <Ago at={new Date(status.lastEventAt).toISOString()} long />}
        </Fact>
        <Fact label={t.live.medianLag}>{lag === null ? NONE : t.live.lag(lag)}</Fact>
        <Fact label={t.live.reconnects}>{status.reconnects}</Fact>
        <Fact label={t.live.transport}>
          {status.transport === "polling" || status.state === "polling"
            ? t.live.pollingTransport
            : t.live.socket}
        </Fact>
      </Facts>
      <NoticesSwitch />
      <div className={css.buttons}>
        {status.state === "live" ? (
          <Button onClick={togglePause}>{status.paused ? t.live.resume : t.live.pause}</Button>
        ) : (
          <Button onClick={retryLive}>{t.live.retryNow}</Button>
        )}
      </div>
    </div>
  );
}

/** Whether what is on screen is what is: live, polling, disconnected or paused; more of it on a click. */
export function LiveChip() {
  const status = useStore(liveStatus);
  const now = useNow(1);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const { look, text } = wording(status, now);
  return (
    <>
      <button
        type="button"
        className={`${css.chip ?? ""} ${css[look] ?? ""}`}
        data-testid="live-chip"
        data-state={look}
        aria-haspopup="dialog"
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <span className={css.dot} aria-hidden="true" />
        <span className={css.text}>{text}</span>
      </button>
      <Popover
        open={anchor !== null}
        anchorEl={anchor}
        onClose={() => setAnchor(null)}
        anchorOrigin={{ vertical: "bottom", horizontal: "right" }}
        transformOrigin={{ vertical: "top", horizontal: "right" }}
        slotProps={{ paper: { role: "dialog", "aria-label": t.live.detail } }}
      >
        <Detail status={status} />
      </Popover>
    </>
  );
}
