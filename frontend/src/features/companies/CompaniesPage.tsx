import Button from "@mui/material/Button";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { useMay } from "@/api/session";
import type { Company, CompanySummary } from "@/api/types";
import { Ago, Card } from "@/components/bits";
import { DataTable, type TableColumn } from "@/components/DataTable";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Empty, ListStates } from "@/components/states";
import { count } from "@/lib/format";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import { AddCompany } from "./AddCompany";
import css from "./companies.module.css";
import { summaryQuery } from "./queries";

const names = t.companies.columns;
/** One small read a company; beyond this the table shows names and the figures stay behind the link. */
const SUMMARISED = 100;

type Row = Company & { summary: CompanySummary | undefined };

function columns(path: (rest: string) => string): TableColumn<Row>[] {
  const figure = (key: keyof typeof names, of: (summary: CompanySummary) => number): TableColumn<Row> => ({
    key,
    title: names[key],
    align: "right",
    cell: ({ summary }) => count(summary && of(summary)),
  });
  return [
    {
      key: "name",
      title: names.name,
      lead: true,
      cell: (company) => (
        <span className={css.name}>
          <Link to={path(`companies/${company.id}`)}>{company.name}</Link>
          {company.demo && <Pill>{t.companies.demo}</Pill>}
        </span>
      ),
    },
    figure("open", (summary) => summary.open_incidents),
    {
      key: "critical",
      title: names.critical,
      align: "right",
      cell: ({ summary }) => (
        <span className={summary && summary.open_critical > 0 ? css.critical : undefined}>
          {count(summary?.open_critical)}
        </span>
      ),
    },
    figure("unacknowledged", (summary) => summary.unacknowledged),
    figure("active", (summary) => summary.active_alerts),
    figure("hour", (summary) => summary.alerts_last_hour),
    {
      key: "last",
      title: names.last,
      align: "right",
      cell: ({ summary }) => <Ago at={summary?.last_alert_at} long />,
    },
  ];
}

export default function CompaniesPage() {
  const { path } = useScope();
  const may = useMay();
  const [adding, setAdding] = useState(false);
  const query = useQuery({
    queryKey: keys.companies,
    queryFn: ({ signal }) => body(api.GET("/api/companies", { signal })),
  });
  const companies = query.data ?? [];
  const summaries = useQueries({
    queries: companies.slice(0, SUMMARISED).map((company) => summaryQuery(company.id)),
  });
  const rows = companies.map((company, index) => ({ ...company, summary: summaries[index]?.data }));
  return (
    <Page
      title={t.companies.title}
      actions={
        may("company.create") && (
          <Button variant="contained" startIcon={<Plus size={14} />} onClick={() => setAdding(true)}>
            {t.companies.add}
          </Button>
        )
      }
    >
      <Card flush>
        <ListStates
          list={{
            rows: query.data,
            error: query.error,
            isFetching: query.isFetching,
            refetch: query.refetch,
          }}
          what={t.companies.title}
          filtered={false}
          empty={
            <Empty title={t.companies.none}>
              <p className="muted">{t.companies.noneText}</p>
            </Empty>
          }
        />
        {rows.length > 0 && (
          <DataTable
            label={t.companies.title}
            rows={rows}
            columns={columns(path)}
            rowKey={(company) => company.id}
            rowTestId="company-row"
          />
        )}
      </Card>
      {adding && <AddCompany onClose={() => setAdding(false)} />}
    </Page>
  );
}
