import type { Alert } from "@/api/types";
import { t } from "@/lib/strings";
import { span } from "@/lib/time";

import { Ago, Fact, Facts } from "./bits";
import css from "./AlertReason.module.css";

const isLink = (url: string): boolean => /^https?:\/\//i.test(url);

/** Why an alert is where it is: the engine's own sentence, and the data that it rests on. */
export function AlertReason({ alert }: { alert: Alert }) {
  const { reason } = alert;
  if (!reason) return <p className="muted">{t.incidents.noReason}</p>;
  const facts = [
    t.alerts.reasonKinds[reason.kind],
    reason.window_minutes === null ? null : t.alerts.windowOf(reason.window_minutes),
    reason.gap_seconds === null ? null : t.alerts.gap(span(reason.gap_seconds * 1000)),
    t.alerts.configVersion(reason.config_version),
  ];
  return (
    <div className={css.reason}>
      <p>{reason.sentence}</p>
      <p className="muted">{facts.filter(Boolean).join(" · ")}</p>
      {Object.entries(reason.fields).length > 0 && (
        <ul className={css.tags}>
          {Object.entries(reason.fields).map(([name, value]) => (
            <li key={name}>
              <span className="muted">{name}</span> {value}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Everything that is known of one alert. */
export function AlertFacts({ alert }: { alert: Alert }) {
  return (
    <div className={css.detail}>
      <p>{alert.message}</p>
      <h2>{t.alerts.why}</h2>
      <AlertReason alert={alert} />
      <Facts>
        <Fact label={t.alerts.signature}>{alert.signature}</Fact>
        <Fact label={t.alerts.columns.asset}>{alert.asset_name}</Fact>
        <Fact label={t.alerts.tool}>{alert.tool_source}</Fact>
        <Fact label={t.alerts.first}>
          <Ago at={alert.timestamp} long />
        </Fact>
        <Fact label={t.alerts.last}>
          <Ago at={alert.last_received_at} long />
        </Fact>
        <Fact label={t.alerts.seen}>{t.alerts.occurrences(alert.occurrences)}</Fact>
        <Fact label={t.alerts.dedup}>
          <span className="mono">{alert.dedup_key}</span>
        </Fact>
      </Facts>
      {Object.keys(alert.labels).length > 0 && (
        <>
          <h2>{t.alerts.labels}</h2>
          <ul className={css.tags}>
            {Object.entries(alert.labels).map(([name, value]) => (
              <li key={name}>
                <span className="muted">{name}</span> {value}
              </li>
            ))}
          </ul>
        </>
      )}
      {alert.urls.some(isLink) && (
        <>
          <h2>{t.alerts.links}</h2>
          {alert.urls.filter(isLink).map((url) => (
            <a key={url} href={url} target="_blank" rel="noreferrer noopener" className="ellipsis">
              {url}
            </a>
          ))}
        </>
      )}
    </div>
  );
}
