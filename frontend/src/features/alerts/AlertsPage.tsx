import Button from "@mui/material/Button";
import Drawer from "@mui/material/Drawer";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import { ListFilter } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { useNavigate } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Alert, AlertStatus } from "@/api/types";
import { AlertFacts } from "@/components/AlertReason";
import { ExportButton } from "@/components/ExportButton";
import { FilterChips, type FilterChip } from "@/components/FilterChips";
import { FilterField } from "@/components/FilterField";
import { AlertState } from "@/components/IncidentState";
import { ListBox, ListFrame, Peek } from "@/components/ListFrame";
import { Page } from "@/components/Page";
import { RowGrid } from "@/components/RowGrid";
import { severityOrder } from "@/components/SeverityFilter";
import { ListStates, Skeletons } from "@/components/states";
import { alertPages, largePages, useAlertList } from "@/live/lists";
import { usePhone } from "@/lib/media";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { useChoices, useParam, useRememberedQuery } from "@/lib/url";

import css from "./alerts.module.css";
import { AlertsBar } from "./AlertsBar";
import { listColumns } from "./columns";
import { alertCsv } from "./csv";
import { Facets, type Choice } from "./Facets";
import { alertFilter } from "./filter";
import { GroupedAlerts } from "./GroupedAlerts";
import { NoAlerts } from "./NoAlerts";

const AlertsTimeline = lazy(() => import("./AlertsTimeline"));

const STATUSES = ["active", "acknowledged", "resolved"] as const satisfies readonly AlertStatus[];

/** The narrowing in the address, as choices for the facets, chips for the eye, and a filter for the server. */
function useNarrowing() {
  const scope = useScope();
  const [statuses, setStatuses] = useChoices("status", STATUSES);
  const [severities, setSeverities] = useChoices("severity", severityOrder);
  const [tool, setTool] = useParam("tool");
  const [asset, setAsset] = useParam("asset");
  const [text, setText] = useParam("q");
  const choices: Record<"status" | "severity" | "tool_source" | "asset_name", Choice> = {
    status: {
      values: statuses,
      set: (values) => setStatuses(STATUSES.filter((each) => values.includes(each))),
    },
    severity: {
      values: severities,
      set: (values) => setSeverities(severityOrder.filter((each) => values.includes(each))),
    },
    tool_source: { values: tool ? [tool] : [], set: ([value]) => setTool(value ?? null) },
    asset_name: { values: asset ? [asset] : [], set: ([value]) => setAsset(value ?? null) },
  };
  const without = <T,>(list: readonly T[], value: T) => list.filter((other) => other !== value);
  const chips: FilterChip[] = [
    ...statuses.map((value) => ({
      label: t.status[value],
      remove: () => setStatuses(without(statuses, value)),
    })),
    ...severities.map((value) => ({
      label: t.severity[value],
      remove: () => setSeverities(without(severities, value)),
    })),
    ...(tool ? [{ label: tool, remove: () => setTool(null) }] : []),
    ...(asset ? [{ label: asset, remove: () => setAsset(null) }] : []),
    ...(text ? [{ label: `“${text}”`, remove: () => setText(null) }] : []),
  ];
  const filter = alertFilter({ companies: scope.companies, statuses, severities, tool, asset, text });
  return { choices, chips, filter, text, setText };
}

function AlertPeek({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  return (
    <Peek
      label={t.alerts.detail}
      severity={alert.severity}
      state={<AlertState status={alert.status} />}
      onClose={onClose}
    >
      <AlertFacts alert={alert} />
    </Peek>
  );
}

const MODES = ["raw", "grouped", "timeline"] as const;
type Mode = (typeof MODES)[number];

function ModeToggle({ mode, onChange }: { mode: Mode; onChange: (mode: Mode) => void }) {
  return (
    <ToggleButtonGroup
      size="small"
      exclusive
      value={mode}
      onChange={(_, next: Mode | null) => next && onChange(next)}
      aria-label={t.alerts.showAs}
    >
      {MODES.map((each) => (
        <ToggleButton key={each} value={each}>
          {t.alerts[each]}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

export default function AlertsPage() {
  useRememberedQuery("alerts");
  const scope = useScope();
  const navigate = useNavigate();
  const phone = usePhone();
  const companyName = useCompanyName();
  const [asked, setMode] = useParam("as");
  const mode = MODES.find((each) => each === asked) ?? "raw";
  const [peek, setPeek] = useParam("peek");
  const [drawer, setDrawer] = useState(false);
  const { choices, chips, filter, text, setText } = useNarrowing();
  const list = useAlertList(filter);
  const peeked = list.rows?.find((alert) => alert.id === peek);
  const incidentPath = useCallback((id: string) => scope.path(`incidents/${id}`), [scope]);
  const toggle = useCallback(
    (alert: Alert | null) => setPeek(alert && alert.id !== peek ? alert.id : null),
    [peek, setPeek],
  );
  const columns = useMemo(
    () => listColumns({ incidentPath, companyName, showCompany: scope.company === null, onPick: toggle }),
    [incidentPath, companyName, scope, toggle],
  );
  const facets = <Facets filter={filter} choices={choices} />;
  return (
    <Page
      fill
      title={t.alerts.title}
      actions={
        <>
          <ModeToggle mode={mode} onChange={(next) => setMode(next === "raw" ? null : next)} />
          {phone && (
            <Button startIcon={<ListFilter size={14} />} onClick={() => setDrawer(true)}>
              {t.common.filters}
            </Button>
          )}
          <FilterField value={text} label={t.alerts.filter} onChange={setText} />
          {!phone && (
            <ExportButton
              name="alerts"
              pages={largePages(alertPages(filter))}
              columns={alertCsv(companyName)}
            />
          )}
        </>
      }
    >
      <FilterChips chips={chips} onClear={() => void navigate({ search: "" }, { replace: true })} />
      <ListFrame>
        {phone ? (
          <Drawer open={drawer} onClose={() => setDrawer(false)} anchor="left">
            <div className={css.drawer}>{facets}</div>
          </Drawer>
        ) : (
          <aside className={css.facets} aria-label={t.common.filters}>
            {facets}
          </aside>
        )}
        <ListBox label={t.alerts.title}>
          <ListStates list={list} what={t.alerts.title} filtered={chips.length > 0} empty={<NoAlerts />} />
          {list.rows !== undefined &&
            list.rows.length > 0 &&
            (mode === "grouped" ? (
              <GroupedAlerts alerts={list.rows} incidentPath={incidentPath} onPick={toggle} />
            ) : mode === "timeline" ? (
              <Suspense fallback={<Skeletons rows={10} />}>
                <AlertsTimeline
                  alerts={list.rows}
                  hasMore={list.hasMore}
                  onMore={list.more}
                  onPick={toggle}
                />
              </Suspense>
            ) : (
              <RowGrid
                key={JSON.stringify(filter)}
                label={t.alerts.title}
                rows={list.rows}
                columns={columns}
                rowTestId="alert-row"
                nameOf={(alert) => `${alert.asset_name} ${alert.message}`}
                onOpen={(alert) =>
                  alert.correlated_incident_id
                    ? void navigate(incidentPath(alert.correlated_incident_id))
                    : toggle(alert)
                }
                onPeek={toggle}
                narrow={peeked !== undefined}
                hasMore={list.hasMore}
                onMore={list.more}
                actions={(cursor) => <AlertsBar cursor={cursor} />}
              />
            ))}
        </ListBox>
        {peeked && !phone && <AlertPeek alert={peeked} onClose={() => setPeek(null)} />}
        {peeked && phone && (
          <Drawer open anchor="bottom" onClose={() => setPeek(null)}>
            <AlertPeek alert={peeked} onClose={() => setPeek(null)} />
          </Drawer>
        )}
      </ListFrame>
    </Page>
  );
}
