import { useCallback, useEffect, useMemo, useState } from "react";

import type { Alert } from "@/api/types";
import { AlertFacts } from "@/components/AlertReason";
import { Card } from "@/components/bits";
import { alertColumns } from "@/components/rowColumns";
import { RowGrid } from "@/components/RowGrid";
import { Empty, Failure, Skeletons } from "@/components/states";
import type { RowCursor } from "@/components/useRowCursor";
import type { useIncidentAlerts } from "@/live/lists";
import { count } from "@/lib/format";
import { t } from "@/lib/strings";

import css from "./incident.module.css";

/** Tells the page which rows are selected; the split verb of the action bar acts on them. */
function SelectionNote({
  cursor,
  onSelection,
}: {
  cursor: RowCursor<Alert>;
  onSelection: (ids: string[]) => void;
}) {
  const { selected } = cursor;
  useEffect(() => {
    onSelection([...selected]);
    return () => onSelection([]);
  }, [selected, onSelection]);
  return selected.size > 0 ? <div className={css.selection}>{t.common.selected(selected.size)}</div> : null;
}

interface Props {
  list: ReturnType<typeof useIncidentAlerts>;
  total: number;
  onSelection: (ids: string[]) => void;
}

export function IncidentAlerts({ list, total, onSelection }: Props) {
  const [picked, setPicked] = useState<string | null>(null);
  const { rows } = list;
  const alert = rows?.find((row) => row.id === picked);
  const toggle = useCallback(
    (row: Alert | null) => setPicked((previous) => (row && row.id !== previous ? row.id : null)),
    [],
  );
  const shown = useMemo(() => alertColumns(toggle), [toggle]);
  return (
    <Card title={`${t.incidents.alerts} · ${count(total)}`} flush>
      {rows === undefined &&
        (list.error ? (
          <Failure what={t.incidents.alerts} error={list.error} onRetry={() => void list.refetch()} />
        ) : (
          <Skeletons rows={3} />
        ))}
      {rows?.length === 0 && <Empty title={t.incidents.noReason} />}
      {rows && rows.length > 0 && (
        <div
          className={css.alerts}
          style={{ height: `min(calc(var(--grid-row) * ${rows.length} + var(--grid-head)), 360px)` }}
        >
          <RowGrid
            label={t.incidents.alerts}
            rows={rows}
            columns={shown}
            rowTestId="alert-row"
            nameOf={(row) => `${row.asset_name} ${row.message}`}
            onOpen={toggle}
            onPeek={toggle}
            hasMore={list.hasMore}
            onMore={list.more}
            actions={(cursor) => <SelectionNote cursor={cursor} onSelection={onSelection} />}
          />
        </div>
      )}
      {alert && (
        <div className={css.picked}>
          <AlertFacts alert={alert} />
        </div>
      )}
    </Card>
  );
}
