import Button from "@mui/material/Button";
import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import { ListFilter, X } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useNavigate } from "react-router";

import { useCompanyName } from "@/api/session";
import type { Alert, AlertStatus } from "@/api/types";
import { AlertFacts } from "@/components/AlertReason";
import { FilterChips, type FilterChip } from "@/components/FilterChips";
import { FilterField } from "@/components/FilterField";
import { AlertState } from "@/components/IncidentState";
import { Page } from "@/components/Page";
import { RowGrid } from "@/components/RowGrid";
import { SeverityBadge } from "@/components/Severity";
import { severityOrder } from "@/components/SeverityFilter";
import { ListStates } from "@/components/states";
import { useAlertList } from "@/live/lists";
import { usePhone } from "@/lib/media";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { useChoices, useParam, useRememberedQuery } from "@/lib/url";

import css from "./alerts.module.css";
import { AlertsBar } from "./AlertsBar";
import { alertColumns } from "./columns";
import { Facets, type Choice } from "./Facets";
import { alertFilter } from "./filter";
import { GroupedAlerts } from "./GroupedAlerts";
import { NoAlerts } from "./NoAlerts";

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
    <aside className={css.peek} aria-label={t.alerts.detail}>
      <div className={css.peekHead}>
        <SeverityBadge severity={alert.severity} />
        <AlertState status={alert.status} />
        <span className={css.grow} />
        <IconButton aria-label={t.incidents.closePeek} onClick={onClose}>
          <X size={16} />
        </IconButton>
      </div>
      <AlertFacts alert={alert} />
    </aside>
  );
}

export default function AlertsPage() {
  useRememberedQuery("alerts");
  const scope = useScope();
  const navigate = useNavigate();
  const phone = usePhone();
  const companyName = useCompanyName();
  const [mode, setMode] = useParam("as");
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
    () => alertColumns({ incidentPath, companyName, showCompany: scope.company === null, onPick: toggle }),
    [incidentPath, companyName, scope, toggle],
  );
  const facets = <Facets filter={filter} choices={choices} />;
  return (
    <Page
      fill
      title={t.alerts.title}
      actions={
        <>
          <ToggleButtonGroup
            size="small"
            exclusive
            value={mode || "raw"}
            onChange={(_, next: string | null) => next && setMode(next === "raw" ? null : next)}
            aria-label={t.alerts.showAs}
          >
            <ToggleButton value="raw">{t.alerts.raw}</ToggleButton>
            <ToggleButton value="grouped">{t.alerts.grouped}</ToggleButton>
          </ToggleButtonGroup>
          {phone && (
            <Button startIcon={<ListFilter size={14} />} onClick={() => setDrawer(true)}>
              {t.common.filters}
            </Button>
          )}
          <FilterField value={text} label={t.alerts.filter} onChange={setText} />
        </>
      }
    >
      <FilterChips chips={chips} onClear={() => void navigate({ search: "" }, { replace: true })} />
      <div className={css.split}>
        {phone ? (
          <Drawer open={drawer} onClose={() => setDrawer(false)} anchor="left">
            <div className={css.drawer}>{facets}</div>
          </Drawer>
        ) : (
          <aside className={css.facets} aria-label={t.common.filters}>
            {facets}
          </aside>
        )}
        <section className={css.list} aria-label={t.alerts.title}>
          <ListStates list={list} what={t.alerts.title} filtered={chips.length > 0} empty={<NoAlerts />} />
          {list.rows !== undefined &&
            list.rows.length > 0 &&
            (mode === "grouped" ? (
              <GroupedAlerts alerts={list.rows} incidentPath={incidentPath} onPick={toggle} />
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
        </section>
        {peeked && !phone && <AlertPeek alert={peeked} onClose={() => setPeek(null)} />}
        {peeked && phone && (
          <Drawer open anchor="bottom" onClose={() => setPeek(null)}>
            <AlertPeek alert={peeked} onClose={() => setPeek(null)} />
          </Drawer>
        )}
      </div>
    </Page>
  );
}
