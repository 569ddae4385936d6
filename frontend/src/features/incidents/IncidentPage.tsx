import { useState } from "react";
import { Link, Navigate, useParams } from "react-router";

import type { Incident } from "@/api/types";
import { Page } from "@/components/Page";
import { Loaded } from "@/components/states";
import { useIncidentAlerts } from "@/live/lists";
import { shortId } from "@/lib/format";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { useParam } from "@/lib/url";

import { ActionBar } from "./ActionBar";
import css from "./incident.module.css";
import { IncidentAlerts } from "./IncidentAlerts";
import { IncidentHeader } from "./IncidentHeader";
import { IncidentSide } from "./IncidentSide";
import { useIncident } from "./queries";
import { Timeline } from "./Timeline";
import { WhyGrouped } from "./WhyGrouped";

/** Where this incident came from: merged ones lead here, and a recurrence names the one before it. */
function Origin({ incident }: { incident: Incident }) {
  const { path } = useScope();
  const [mergedFrom] = useParam("from");
  const linked = incident.linked_incident_id;
  if (!mergedFrom && !linked) return null;
  return (
    <p className="muted">
      {mergedFrom && `${t.incidents.mergedHere(shortId("INC", mergedFrom))} `}
      {linked && (
        <>
          {t.incidents.reopenedFrom} <Link to={path(`incidents/${linked}`)}>{shortId("INC", linked)}</Link>
        </>
      )}
    </p>
  );
}

function IncidentView({ incident }: { incident: Incident }) {
  const [selected, setSelected] = useState<readonly string[]>([]);
  const alerts = useIncidentAlerts(incident);
  return (
    <Page title={incident.title} heading={<IncidentHeader incident={incident} />}>
      <Origin incident={incident} />
      <ActionBar incident={incident} selectedAlertIds={selected} onSplit={() => setSelected([])} />
      <div className={css.columns}>
        <div className={css.story}>
          <WhyGrouped incident={incident} alerts={alerts.rows} />
          <IncidentAlerts list={alerts} total={incident.alert_count} onSelection={setSelected} />
          <Timeline incident={incident} />
        </div>
        <IncidentSide incident={incident} />
      </div>
    </Page>
  );
}

export default function IncidentPage() {
  const { id = "" } = useParams();
  const scope = useScope();
  const query = useIncident(id, scope.company);
  return (
    <Loaded query={query} what={t.incidents.one}>
      {(incident) =>
        incident.merged_into ? (
          <Navigate to={`${scope.path(`incidents/${incident.merged_into}`)}?from=${incident.id}`} replace />
        ) : (
          <IncidentView key={incident.id} incident={incident} />
        )
      }
    </Loaded>
  );
}
