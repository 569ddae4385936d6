import { useMay, useSession } from "@/api/session";
import { Page } from "@/components/Page";
import { Loaded } from "@/components/states";
import { useIncidentList } from "@/live/lists";
import { useOverview } from "@/live/overview";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import { LatestAlerts } from "./LatestAlerts";
import { NEEDING_ROWS, needing, NeedsYou } from "./NeedsYou";
import { OpenIncidents } from "./OpenIncidents";
import css from "./overview.module.css";
import { RecentlyResolved } from "./RecentlyResolved";
import { SetUp } from "./SetUp";
import { Strip } from "./Strip";

/** What is going on, and what of it waits for this person. */
export default function OverviewPage() {
  const scope = useScope();
  const { data: me } = useSession();
  const works = useMay()("incident.acknowledge");
  const overview = useOverview(scope.companies);
  const open = useIncidentList({ company_id: scope.companies, status: ["open"], sort: "priority" });
  const waiting = works ? needing(open.rows ?? [], me?.user.id ?? "") : [];
  const above = new Set(waiting.slice(0, NEEDING_ROWS).map((incident) => incident.id));
  const untouched =
    overview.data?.received_today === 0 &&
    overview.data.last_resolved_at === null &&
    overview.data.active_alerts === 0 &&
    open.rows?.length === 0;
  return (
    <Page title={t.shell.overview}>
      <Loaded query={overview} what={t.shell.overview} rows={1}>
        {(figures) => <Strip figures={figures} />}
      </Loaded>
      <div className={css.columns}>
        <div className={css.main}>
          {untouched ? <SetUp /> : works && <NeedsYou open={open} waiting={waiting} />}
          <OpenIncidents open={open} shown={above} lastResolvedAt={overview.data?.last_resolved_at ?? null} />
        </div>
        <div className={css.aside}>
          <LatestAlerts companies={scope.companies} />
          <RecentlyResolved companies={scope.companies} />
        </div>
      </div>
    </Page>
  );
}
