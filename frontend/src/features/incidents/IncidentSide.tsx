import { Link } from "react-router";

import { usePersonName } from "@/api/people";
import { useMay } from "@/api/session";
import type { Incident } from "@/api/types";
import { Ago, Card, Fact, Facts } from "@/components/bits";
import { IncidentState } from "@/components/IncidentState";
import { Loaded } from "@/components/states";
import { shortId } from "@/lib/format";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./incident.module.css";
import { useRelated } from "./queries";
import { SeverityCounts } from "./SeverityCounts";

function People({ incident }: { incident: Incident }) {
  const personName = usePersonName();
  return (
    <Card title={t.incidents.people}>
      <Facts>
        <Fact label={t.incidents.lead}>{incident.assigned_name ?? t.incidents.unowned}</Fact>
        {incident.acknowledged_at && (
          <Fact label={t.incidents.acknowledgedBy}>
            {personName(incident.acknowledged_by) ?? t.common.none}{" "}
            <span className="muted">
              <Ago at={incident.acknowledged_at} long />
            </span>
          </Fact>
        )}
        {incident.resolved_at && (
          <Fact label={t.incidents.resolvedBy}>
            {personName(incident.resolved_by) ?? t.common.none}{" "}
            <span className="muted">
              <Ago at={incident.resolved_at} long />
            </span>
          </Fact>
        )}
        {incident.resolution_notes && <Fact label={t.incidents.resolution}>{incident.resolution_notes}</Fact>}
      </Facts>
    </Card>
  );
}

function Priority({ incident }: { incident: Incident }) {
  return (
    <Card title={`${t.incidents.columns.priority} ${Math.round(incident.priority_score)}`}>
      <ul className={css.factors} aria-label={t.incidents.priorityWhy}>
        {incident.factors.map((factor) => (
          <li key={factor.name}>
            <span>{factor.detail || factor.name}</span>
            <span>{factor.points > 0 ? `+${Math.round(factor.points)}` : Math.round(factor.points)}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Related({ incident }: { incident: Incident }) {
  const query = useRelated(incident);
  const { path } = useScope();
  return (
    <Card title={t.incidents.related}>
      <Loaded query={query} what={t.incidents.related} rows={2}>
        {(related) =>
          related.length === 0 ? (
            <p className="muted">{t.incidents.relatedNone}</p>
          ) : (
            <ul className={css.related}>
              {related.slice(0, 6).map((other) => (
                <li key={other.id}>
                  <Link to={path(`incidents/${other.id}`)} className="ellipsis">
                    {other.title}
                  </Link>
                  <span className={css.relatedMeta}>
                    <IncidentState incident={other} />
                    <span className="muted">
                      {shortId("INC", other.id)} · <Ago at={other.created_at} long />
                    </span>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

function Assets({ incident }: { incident: Incident }) {
  const { path } = useScope();
  const more = incident.asset_count - incident.asset_names.length;
  return (
    <Card title={`${t.incidents.assets} · ${incident.asset_count}`}>
      <ul className={css.assets}>
        {incident.asset_names.map((name) => (
          <li key={name}>
            <Link to={`${path("alerts")}?asset=${encodeURIComponent(name)}`}>{name}</Link>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="muted">{t.incidents.moreAssets(more)}</p>}
    </Card>
  );
}

/** What stands beside the story: how bad, who, what else. */
export function IncidentSide({ incident }: { incident: Incident }) {
  const may = useMay();
  return (
    <aside className={css.side} aria-label={t.incidents.people}>
      <Card title={t.incidents.bySeverity}>
        <SeverityCounts counts={incident.severity_counts} />
      </Card>
      {may("incident.read_internal") && <People incident={incident} />}
      {incident.factors.length > 0 && <Priority incident={incident} />}
      <Assets incident={incident} />
      <Related incident={incident} />
    </aside>
  );
}
