import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";

import { api, body, page } from "@/api/client";
import { keys } from "@/api/keys";
import { useCompanyName, useMay } from "@/api/session";
import type { Asset } from "@/api/types";
import { Card, Day } from "@/components/bits";
import { DataTable, type TableColumn } from "@/components/DataTable";
import { FilterField } from "@/components/FilterField";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Empty, ListStates } from "@/components/states";
import type { RowList } from "@/live/rows";
import { assetView } from "@/live/views";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";
import { useParam } from "@/lib/url";

import { AssetDialog } from "./AssetDialog";
import css from "./assets.module.css";

const names = t.estate.assetColumns;
const LIMIT = 1000;

function useAssets(companies: string[], text: string) {
  return useQuery({
    queryKey: keys.assets(companies, text),
    queryFn: async ({ signal }): Promise<RowList<Asset>> => {
      const query = { company_id: companies, limit: LIMIT, ...(text ? { text } : {}) };
      const { rows, next } = await page(api.GET("/api/assets", { params: { query }, signal }));
      return { rows: rows.sort(assetView(companies, text).compare), next };
    },
  });
}

/** Takes an asset away; its undo adds it again as it was. */
function useRemove(): (asset: Asset) => Promise<void> {
  const cache = useQueryClient();
  const refresh = () => cache.invalidateQueries({ queryKey: keys.assetLists });
  return async (asset) => {
    await body(
      api.DELETE("/api/assets/{asset_id}", {
        params: { path: { asset_id: asset.id }, query: { company_id: asset.company_id } },
      }),
    );
    await refresh();
    const restore = async () => {
      const { company_id, name, type, critical, tags, dependencies } = asset;
      await body(api.POST("/api/assets", { body: { company_id, name, type, critical, tags, dependencies } }));
      await refresh();
    };
    toast(t.estate.assetRemoved(asset.name), {
      detail: t.estate.assetRemoveHint,
      undo: () => void restore(),
    });
  };
}

function Tags({ values }: { values: readonly string[] }) {
  return values.length === 0 ? (
    <span className="muted">{t.common.none}</span>
  ) : (
    <span className={css.tags}>
      {values.map((value) => (
        <span key={value} className={css.tag}>
          {value}
        </span>
      ))}
    </span>
  );
}

function useColumns(edit: (asset: Asset) => void): TableColumn<Asset>[] {
  const scope = useScope();
  const may = useMay();
  const companyName = useCompanyName();
  const remove = useRemove();
  const columns: TableColumn<Asset>[] = [
    {
      key: "name",
      title: names.name,
      lead: true,
      cell: (asset) => (
        <Link to={`${scope.path("alerts")}?asset=${encodeURIComponent(asset.name)}`}>{asset.name}</Link>
      ),
    },
    {
      key: "type",
      title: names.type,
      cell: (asset) => asset.type || <span className="muted">{t.common.none}</span>,
    },
    {
      key: "critical",
      title: names.critical,
      cell: (asset) =>
        asset.critical ? (
          <Pill tone="high">{names.critical}</Pill>
        ) : (
          <span className="muted">{t.common.none}</span>
        ),
    },
    { key: "tags", title: names.tags, cell: (asset) => <Tags values={asset.tags} /> },
    { key: "needs", title: names.needs, cell: (asset) => <Tags values={asset.dependencies} /> },
    {
      key: "seen",
      title: names.seen,
      align: "right",
      cell: (asset) => <Day at={asset.last_seen_at} hint={t.estate.seenHint} />,
    },
  ];
  if (scope.company === null) {
    columns.splice(1, 0, {
      key: "company",
      title: t.common.company,
      cell: (asset) => companyName(asset.company_id),
    });
  }
  if (may("asset.write")) {
    columns.push({
      key: "edit",
      title: "",
      label: t.common.edit,
      align: "right",
      cell: (asset) => (
        <span className={css.buttons}>
          <IconButton aria-label={t.estate.editAsset(asset.name)} onClick={() => edit(asset)}>
            <Pencil size={14} />
          </IconButton>
          <IconButton aria-label={`${t.common.remove} ${asset.name}`} onClick={() => void remove(asset)}>
            <Trash2 size={14} />
          </IconButton>
        </span>
      ),
    });
  }
  return columns;
}

export default function AssetsPage() {
  const scope = useScope();
  const may = useMay();
  const [text, setText] = useParam("q");
  const [editing, setEditing] = useState<Asset | "new" | null>(null);
  const query = useAssets(scope.companies, text);
  const rows = query.data?.rows;
  const columns = useColumns(setEditing);
  return (
    <Page
      title={t.estate.assets}
      actions={
        <>
          <FilterField value={text} label={t.estate.assetsFilter} onChange={setText} />
          {may("asset.write") && (
            <Button variant="contained" startIcon={<Plus size={14} />} onClick={() => setEditing("new")}>
              {t.estate.addAsset}
            </Button>
          )}
        </>
      }
    >
      <Card flush>
        <ListStates
          list={{ rows, error: query.error, isFetching: query.isFetching, refetch: query.refetch }}
          what={t.estate.assets}
          filtered={text !== ""}
          empty={
            <Empty title={t.estate.noAssets}>
              <p className="muted">{t.estate.noAssetsText}</p>
            </Empty>
          }
        />
        {rows && rows.length > 0 && (
          <DataTable
            label={t.estate.assets}
            rows={rows}
            columns={columns}
            rowKey={(asset) => asset.id}
            rowTestId="asset-row"
          />
        )}
      </Card>
      {editing && <AssetDialog asset={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
    </Page>
  );
}
