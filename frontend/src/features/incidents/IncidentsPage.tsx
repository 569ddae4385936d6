import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import { useCallback, useMemo } from "react";
import { useLocation, useNavigate } from "react-router";

import { useCompanyName, useSession } from "@/api/session";
import type { Incident } from "@/api/types";
import { ExportButton } from "@/components/ExportButton";
import { FilterChips } from "@/components/FilterChips";
import { FilterField } from "@/components/FilterField";
import { ListBox, ListFrame } from "@/components/ListFrame";
import { Page } from "@/components/Page";
import { RowGrid } from "@/components/RowGrid";
import { SeverityFilter, severityOrder } from "@/components/SeverityFilter";
import { Empty, ListStates } from "@/components/states";
import { incidentPages, largePages, useIncidentList } from "@/live/lists";
import { useOverview } from "@/live/overview";
import { usePhone } from "@/lib/media";
import { useNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { span } from "@/lib/time";
import { useChoices, useParam, useRememberedQuery } from "@/lib/url";

import { BulkBar } from "./BulkBar";
import { incidentColumns } from "./columns";
import { incidentCsv } from "./csv";
import { IncidentPeek } from "./IncidentPeek";
import { filterOf, viewNamed, viewNames } from "./views";

function AllQuiet() {
  const { companies } = useScope();
  const { data } = useOverview(companies);
  const now = useNow(60);
  if (data?.last_resolved_at === null && data.received_today === 0) {
    return (
      <Empty title={t.incidents.neverTitle}>
        <p className="muted">{t.incidents.neverText}</p>
      </Empty>
    );
  }
  return (
    <Empty
      title={
        data?.last_resolved_at
          ? t.overview.quietSince(span(now - Date.parse(data.last_resolved_at)))
          : t.overview.quiet
      }
    />
  );
}

export default function IncidentsPage() {
  useRememberedQuery("incidents");
  const scope = useScope();
  const navigate = useNavigate();
  const location = useLocation();
  const phone = usePhone();
  const companyName = useCompanyName();
  const { data: me } = useSession();
  const [viewParam, setView] = useParam("view");
  const [text, setText] = useParam("q");
  const [peek, setPeek] = useParam("peek");
  const [severities, setSeverities] = useChoices("severity", severityOrder);

  const view = viewNamed(viewParam);
  const filter = filterOf(view, me?.user.id ?? "", { companies: scope.companies, severities, text });
  const list = useIncidentList(filter);
  const peeked = list.rows?.find((incident) => incident.id === peek);
  const linkTo = useCallback((incident: Incident) => scope.path(`incidents/${incident.id}`), [scope]);
  const columns = useMemo(
    () => incidentColumns({ linkTo, companyName, showCompany: scope.company === null }),
    [linkTo, companyName, scope],
  );
  const clear = () => void navigate({ search: view === "open" ? "" : `?view=${view}` }, { replace: true });
  const chips = [
    ...severities.map((severity) => ({
      label: t.severity[severity],
      remove: () => setSeverities(severities.filter((other) => other !== severity)),
    })),
    ...(text ? [{ label: `“${text}”`, remove: () => setText(null) }] : []),
  ];

  return (
    <Page
      fill
      title={t.incidents.title}
      actions={
        <>
          <SeverityFilter chosen={severities} onChange={setSeverities} />
          <FilterField value={text} label={t.incidents.filter} onChange={setText} />
          {!phone && (
            <ExportButton
              name="incidents"
              pages={largePages(incidentPages({ ...filter, sort: "created_at" }))}
              columns={incidentCsv(companyName)}
            />
          )}
        </>
      }
    >
      <Tabs
        value={view}
        onChange={(_, next: string) => setView(next === "open" ? null : next)}
        variant="scrollable"
        aria-label={t.incidents.title}
      >
        {viewNames.map((name) => (
          <Tab key={name} value={name} label={t.incidents.views[name]} />
        ))}
      </Tabs>
      <FilterChips chips={chips} onClear={clear} />
      <ListFrame>
        <ListBox label={t.incidents.views[view]}>
          <ListStates list={list} what={t.incidents.title} filtered={chips.length > 0} empty={<AllQuiet />} />
          {list.rows !== undefined && list.rows.length > 0 && (
            <RowGrid
              key={JSON.stringify(filter)}
              label={t.incidents.views[view]}
              rows={list.rows}
              columns={columns}
              rowTestId="incident-row"
              nameOf={(incident) => incident.title}
              onOpen={(incident) => void navigate(linkTo(incident), { state: { back: location.search } })}
              onPeek={(incident) => setPeek(incident && incident.id !== peek ? incident.id : null)}
              narrow={peeked !== undefined}
              hasMore={list.hasMore}
              onMore={list.more}
              actions={(cursor) => <BulkBar cursor={cursor} />}
            />
          )}
        </ListBox>
        {peeked && !phone && (
          <IncidentPeek incident={peeked} to={linkTo(peeked)} onClose={() => setPeek(null)} />
        )}
      </ListFrame>
    </Page>
  );
}
