import FormControlLabel from "@mui/material/FormControlLabel";
import MenuItem from "@mui/material/MenuItem";
import Switch from "@mui/material/Switch";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { useSession } from "@/api/session";
import type { Asset } from "@/api/types";
import { FormDialog } from "@/components/FormDialog";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

/** "db, prod ,, " → ["db", "prod"]. */
export const commaList = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean),
  ),
];

type Editable = Pick<Asset, "critical" | "tags" | "dependencies" | "type">;

const editable = ({ critical, tags, dependencies, type }: Asset): Editable => ({
  critical,
  tags,
  dependencies,
  type,
});

function useSave(asset: Asset | null): (name: string, companyId: string, change: Editable) => Promise<void> {
  const cache = useQueryClient();
  const refresh = () => cache.invalidateQueries({ queryKey: keys.assetLists });
  const patch = async (before: Asset, change: Editable) => {
    const params = { path: { asset_id: before.id } };
    await body(
      api.PATCH("/api/assets/{asset_id}", { params, body: { company_id: before.company_id, ...change } }),
    );
    await refresh();
  };
  return async (name, companyId, change) => {
    if (asset) {
      await patch(asset, change);
      toast(t.common.saved, { undo: () => void patch(asset, editable(asset)) });
      return;
    }
    await body(api.POST("/api/assets", { body: { company_id: companyId, name, ...change } }));
    await refresh();
    toast(t.common.saved);
  };
}

interface Draft {
  company_id: string;
  name: string;
  type: string;
  critical: boolean;
  tags: string;
  needs: string;
}

const draftOf = (asset: Asset): Draft => ({
  company_id: asset.company_id,
  name: asset.name,
  type: asset.type,
  critical: asset.critical,
  tags: asset.tags.join(", "),
  needs: asset.dependencies.join(", "),
});

const blank = (companyId: string): Draft => ({
  company_id: companyId,
  name: "",
  type: "",
  critical: false,
  tags: "",
  needs: "",
});

export function AssetDialog({ asset, onClose }: { asset: Asset | null; onClose: () => void }) {
  const { company } = useScope();
  const { data: me } = useSession();
  const save = useSave(asset);
  const companies = me?.companies ?? [];
  const [draft, setDraft] = useState(() =>
    asset ? draftOf(asset) : blank(company ?? companies[0]?.id ?? ""),
  );
  const field = (name: "company_id" | "name" | "type" | "tags" | "needs") => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const submit = () =>
    save(draft.name.trim(), draft.company_id, {
      critical: draft.critical,
      tags: commaList(draft.tags),
      dependencies: commaList(draft.needs),
      type: draft.type.trim(),
    });
  return (
    <FormDialog
      title={asset ? t.estate.editAsset(asset.name) : t.estate.addAsset}
      submit={t.common.save}
      disabled={!draft.name.trim() || !draft.company_id}
      onSubmit={submit}
      onClose={onClose}
    >
      {!asset && company === null && (
        <TextField select label={t.common.company} {...field("company_id")}>
          {companies.map((each) => (
            <MenuItem key={each.id} value={each.id}>
              {each.name}
            </MenuItem>
          ))}
        </TextField>
      )}
      {!asset && <TextField autoFocus label={t.estate.assetName} {...field("name")} />}
      <TextField label={t.estate.assetType} {...field("type")} />
      <FormControlLabel
        control={
          <Switch checked={draft.critical} onChange={(_, critical) => setDraft({ ...draft, critical })} />
        }
        label={t.estate.assetCritical}
      />
      <TextField label={t.estate.assetTags} {...field("tags")} />
      <TextField label={t.estate.assetNeeds} {...field("needs")} />
    </FormDialog>
  );
}
