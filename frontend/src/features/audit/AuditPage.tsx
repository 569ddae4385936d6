import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link2, ShieldCheck, TriangleAlert } from "lucide-react";

import { api, body, page } from "@/api/client";
import { keys } from "@/api/keys";
import { useCompanyName, useMay, useSession } from "@/api/session";
import type { AuditEntry } from "@/api/types";
import { Card } from "@/components/bits";
import { DataTable, type TableColumn } from "@/components/DataTable";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Empty, ListStates } from "@/components/states";
import { useNow } from "@/lib/now";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { exactTime, shortTime } from "@/lib/time";
import { useParam } from "@/lib/url";

import css from "./audit.module.css";

const names = t.proof.auditColumns;
const PAGE = 200;
/** The chain of what belongs to no company. */
const MSP = "_msp";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const ids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.map(asText).join(", ") || t.common.none : JSON.stringify(value);
}

/** Field by field; what stands under `changes` is before → after. */
function lines(details: AuditEntry["details"]): [name: string, text: string][] {
  return Object.entries(details).flatMap(([name, value]): [string, string][] =>
    name === "changes" && isRecord(value)
      ? Object.entries(value).map(([field, pair]) => [
          field,
          Array.isArray(pair) ? pair.map(asText).join(" → ") : asText(pair),
        ])
      : [[name, asText(value)]],
  );
}

function Details({ details }: { details: AuditEntry["details"] }) {
  const companyName = useCompanyName();
  return (
    <span className={css.details}>
      {lines(details).map(([name, text]) => (
        // Ids are what the chain holds; where they have names, people read those.
        <span key={name} title={text}>
          <span className="muted">{name}</span> {text.replaceAll(ids, companyName)}
        </span>
      ))}
    </span>
  );
}

function useColumns(): TableColumn<AuditEntry>[] {
  const now = useNow(60);
  return [
    {
      key: "at",
      title: names.at,
      cell: (entry) => {
        const at = Date.parse(entry.timestamp);
        return (
          <time dateTime={entry.timestamp} title={exactTime(at)} className={css.at}>
            {shortTime(at, now)}
          </time>
        );
      },
    },
    {
      key: "actor",
      title: names.actor,
      cell: (entry) => <span className={css.at}>{entry.user_name || t.proof.systemActor}</span>,
    },
    { key: "action", title: names.action, lead: true, cell: (entry) => <code>{entry.action}</code> },
    { key: "details", title: names.details, cell: (entry) => <Details details={entry.details} /> },
    { key: "ip", title: names.ip, cell: (entry) => entry.ip_address ?? t.common.none },
    {
      key: "hash",
      title: t.proof.hash,
      cell: (entry) => (
        <code title={`${entry.previous_hash} → ${entry.hash}`} className="muted">
          {entry.hash.slice(0, 10)}
        </code>
      ),
    },
  ];
}

/** Asks the server to walk the chain from its anchor; what it says is shown, whatever it is. */
function ChainBadge({ chain }: { chain: string }) {
  const { data, error, isPending } = useQuery({
    queryKey: keys.auditVerdict(chain),
    queryFn: ({ signal }) =>
      body(api.GET("/api/audit/verify", { params: { query: { company_id: chain } }, signal })),
  });
  if (isPending) return <Pill icon={<Link2 />}>{t.proof.verifying}</Pill>;
  if (error) return <Pill icon={<TriangleAlert />}>{error.message}</Pill>;
  return data.ok ? (
    <Pill tone="ok" icon={<ShieldCheck />}>
      {t.proof.verified(data.checked)}
    </Pill>
  ) : (
    <Pill tone="critical" icon={<TriangleAlert />}>
      {t.proof.broken(data.first_bad ?? t.common.none)}
    </Pill>
  );
}

function useAudit(chain: string) {
  return useInfiniteQuery({
    queryKey: keys.audit(chain),
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      page(
        api.GET("/api/audit", {
          params: {
            query: { company_id: chain, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next,
  });
}

/** Each company has a chain of its own, and the MSP one about people and companies. */
function useChain(): [chain: string, choices: [id: string, name: string][], choose: (id: string) => void] {
  const { company } = useScope();
  const { data: me } = useSession();
  const [wanted, choose] = useParam("chain");
  const choices: [string, string][] = [
    ...(me?.user.role === "msp_admin" ? [[MSP, t.proof.mspChain] as [string, string]] : []),
    ...(me?.companies ?? []).map((each): [string, string] => [each.id, each.name]),
  ];
  if (company) return [company, [], choose];
  const chosen = choices.find(([id]) => id === wanted) ?? choices[0];
  return [chosen?.[0] ?? "", choices, choose];
}

function ChainTable({ chain }: { chain: string }) {
  const query = useAudit(chain);
  const rows = query.data?.pages.flatMap((each) => each.rows);
  const columns = useColumns();
  return (
    <>
      <Card flush>
        <ListStates
          list={{ rows, error: query.error, isFetching: query.isFetching, refetch: query.refetch }}
          what={t.proof.audit}
          filtered={false}
          empty={
            <Empty title={t.proof.noAudit}>
              <p className="muted">{t.proof.noAuditText}</p>
            </Empty>
          }
        />
        {rows && rows.length > 0 && (
          <DataTable
            label={t.proof.audit}
            rows={rows}
            columns={columns}
            rowKey={(entry) => entry.id}
            rowTestId="audit-row"
          />
        )}
      </Card>
      {query.hasNextPage && (
        <div>
          <Button onClick={() => void query.fetchNextPage()}>{t.common.loadMore}</Button>
        </div>
      )}
    </>
  );
}

export default function AuditPage() {
  const [chain, choices, choose] = useChain();
  const may = useMay();
  return (
    <Page
      title={t.proof.audit}
      heading={
        <div className={css.heading}>
          <h1>{t.proof.audit}</h1>
          {chain && may("audit.read") && <ChainBadge chain={chain} />}
        </div>
      }
      actions={
        choices.length > 1 && (
          <TextField
            select
            label={t.proof.chain}
            value={chain}
            sx={{ minWidth: 200 }}
            onChange={(event) => choose(event.target.value)}
          >
            {choices.map(([id, name]) => (
              <MenuItem key={id} value={id}>
                {name}
              </MenuItem>
            ))}
          </TextField>
        )
      }
    >
      <p className="muted">{t.proof.chainText}</p>
      {chain ? <ChainTable key={chain} chain={chain} /> : <Empty title={t.companies.none} />}
    </Page>
  );
}
