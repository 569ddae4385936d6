import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Tooltip from "@mui/material/Tooltip";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, TriangleAlert } from "lucide-react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { DISPOSITIONS, type Ledger } from "@/api/types";
import { Card } from "@/components/bits";
import { DataTable, type TableColumn } from "@/components/DataTable";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Empty, Loaded } from "@/components/states";
import { count } from "@/lib/format";
import { useNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { shortTime } from "@/lib/time";
import { useParam } from "@/lib/url";

import css from "./ledger.module.css";

type Row = Ledger["rows"][number];

const SPANS = [24, 72, 168] as const;

function Balance({ balanced }: { balanced: boolean }) {
  return balanced ? (
    <Pill tone="ok" icon={<CircleCheck />}>
      {t.proof.balanced}
    </Pill>
  ) : (
    <Tooltip title={t.proof.unbalancedDetail}>
      <span>
        <Pill tone="critical" icon={<TriangleAlert />}>
          {t.proof.unbalanced}
        </Pill>
      </span>
    </Tooltip>
  );
}

function columns(now: number): TableColumn<Row>[] {
  return [
    { key: "hour", title: t.proof.hour, lead: true, cell: (row) => shortTime(Date.parse(row.hour), now) },
    {
      key: "received",
      title: t.proof.received,
      align: "right",
      cell: (row) => <strong>{count(row.received)}</strong>,
    },
    ...DISPOSITIONS.map((name): TableColumn<Row> => ({
      key: name,
      title: t.proof.dispositions[name],
      align: "right",
      cell: (row) => <span className={row[name] === 0 ? "muted" : undefined}>{count(row[name])}</span>,
    })),
    {
      key: "balanced",
      title: "",
      label: t.proof.balanced,
      cell: (row) => (row.balanced ? null : <Balance balanced={false} />),
    },
  ];
}

function Totals({ totals }: { totals: Ledger["totals"] }) {
  return (
    <tfoot>
      <tr>
        <td data-lead="true">{t.proof.total}</td>
        <td data-label={t.proof.received} className={css.right}>
          {count(totals.received)}
        </td>
        {DISPOSITIONS.map((name) => (
          <td key={name} data-label={t.proof.dispositions[name]} className={css.right}>
            {count(totals[name])}
          </td>
        ))}
        <td />
      </tr>
    </tfoot>
  );
}

function Legend() {
  return (
    <dl className={css.legend}>
      {DISPOSITIONS.map((name) => (
        <div key={name}>
          <dt>{t.proof.dispositions[name]}</dt>
          <dd>{t.proof.explain[name]}</dd>
        </div>
      ))}
    </dl>
  );
}

function Global({ counts }: { counts: Record<string, number> }) {
  return (
    <Card title={t.proof.global}>
      <dl className={css.legend}>
        {Object.entries(counts).map(([reason, n]) => (
          <div key={reason}>
            <dt>{reason}</dt>
            <dd>{count(n)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function LedgerView({ ledger }: { ledger: Ledger }) {
  const now = useNow(60);
  const { global } = ledger;
  return (
    <>
      <Card flush>
        {ledger.rows.length === 0 ? (
          <Empty title={t.proof.noAlerts}>
            <p className="muted">{t.proof.noAlertsText}</p>
          </Empty>
        ) : (
          <DataTable
            label={t.proof.ledger}
            rows={ledger.rows}
            columns={columns(now)}
            rowKey={(row) => row.hour}
            rowTestId="ledger-row"
            foot={<Totals totals={ledger.totals} />}
          />
        )}
      </Card>
      {Object.keys(global).length > 0 && <Global counts={global} />}
      <Legend />
    </>
  );
}

/** Where every alert went: the counting is open, and says when it does not add up. */
export default function LedgerPage() {
  const { companies } = useScope();
  const [wanted, setWanted] = useParam("hours");
  const hours = SPANS.find((each) => String(each) === wanted) ?? 24;
  const query = useQuery({
    queryKey: keys.ledger(companies, hours),
    queryFn: ({ signal }) =>
      body(api.GET("/api/ledger", { params: { query: { company_id: companies, hours } }, signal })),
  });
  return (
    <Page
      title={t.proof.ledger}
      heading={
        <div className={css.heading}>
          <h1>{t.proof.ledger}</h1>
          {query.data && <Balance balanced={query.data.balanced} />}
        </div>
      }
      actions={
        <ToggleButtonGroup
          size="small"
          exclusive
          value={hours}
          aria-label={t.proof.hours}
          onChange={(_, next: number | null) => next && setWanted(next === 24 ? null : String(next))}
        >
          {SPANS.map((each) => (
            <ToggleButton key={each} value={each}>
              {t.proof.lastHours(each)}
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      }
    >
      <p className="muted">{t.proof.ledgerLead}</p>
      <Loaded query={query} what={t.proof.ledger}>
        {(ledger) => <LedgerView ledger={ledger} />}
      </Loaded>
    </Page>
  );
}
