import type { Alert, Incident } from "@/api/types";
import { Card } from "@/components/bits";
import { count } from "@/lib/format";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { clockTime, shortTime } from "@/lib/time";

import { joinedByHand, sharedFields } from "./evidence";
import css from "./incident.module.css";

const MINUTE_MS = 60_000;

function windowText(incident: Incident): string {
  const now = serverNow();
  const from = Date.parse(incident.first_alert_at);
  const to = Date.parse(incident.last_alert_at);
  const first =
    new Date(from).toDateString() === new Date(now).toDateString() ? clockTime(from) : shortTime(from, now);
  const { window_minutes: minutes } = incident.reason;
  const closes = minutes === null ? null : to + minutes * MINUTE_MS;
  if (closes !== null && closes > now && incident.status !== "resolved") {
    return t.incidents.windowUntil(first, clockTime(to), shortTime(closes, now));
  }
  return t.incidents.windowClosed(first, clockTime(to));
}

/** The product's promise, kept in the open: why exactly these alerts are one incident. */
export function WhyGrouped({
  incident,
  alerts,
}: {
  incident: Incident;
  alerts: readonly Alert[] | undefined;
}) {
  const looked = alerts?.length ?? 0;
  const byHand = joinedByHand(alerts ?? []);
  const covers = (n: number) => (looked === 0 ? t.common.none : `${count(n)} / ${count(looked)}`);
  return (
    <Card title={t.incidents.why(incident.alert_count)} testId="why-grouped">
      <p className={css.sentence}>
        {incident.reason.sentence} {byHand > 0 && `${t.incidents.manual(byHand)} `}
        {incident.merged_from.length > 0 && `${t.incidents.merged(incident.merged_from.length)} `}
        {incident.alert_count > 1 && <strong>{t.incidents.reduced(incident.alert_count)}</strong>}
      </p>
      <table className={css.evidence}>
        <thead>
          <tr>
            <th scope="col">{t.incidents.shared}</th>
            <th scope="col">{t.incidents.value}</th>
            <th scope="col">{t.incidents.covers}</th>
          </tr>
        </thead>
        <tbody>
          {sharedFields(incident, alerts ?? []).map((field) => (
            <tr key={field.name}>
              <th scope="row">{t.incidents.fields[field.name] ?? field.name}</th>
              <td>{field.value}</td>
              <td>{covers(field.covers)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">{t.incidents.window}</th>
            <td>{windowText(incident)}</td>
            <td>{covers(looked)}</td>
          </tr>
        </tbody>
      </table>
      {incident.alert_count > 1 && <p className="muted">{t.incidents.wrong}</p>}
    </Card>
  );
}
