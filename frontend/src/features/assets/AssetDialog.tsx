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

const editable = ({ critical, tags, dependencies, type }: Asset) => ({ critical, tags, dependencies, type });

function useSave(
  asset: Asset | null,
): (change: Partial<Asset> & { company_id: string; name: string }) => Promise<void> {
  const cache = useQueryClient();
  const refresh = () => cache.invalidateQueries({ queryKey: keys.assetLists });
  return async (change) => {
    if (!asset) {
      await body(api.POST("/api/assets", { body: change }));
      await refresh();
      toast(t.common.saved);
      return;
    }
    const patch = (fields: Partial<Asset>) =>
      body(
        api.PATCH("/api/assets/{id}", {
          params: { path: { id: asset.id } },
          body: { company_id: asset.company_id, ...fields },
        }),
      );
    await patch(change);
    await refresh();
    toast(t.common.saved, { undo: () => void patch(editable(asset)).then(refresh) });
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
  type: asset.type ?? "",
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
    save({
      company_id: draft.company_id,
      name: draft.name.trim(),
      critical: draft.critical,
      tags: commaList(draft.tags),
      dependencies: commaList(draft.needs),
      ...(draft.type.trim() ? { type: draft.type.trim() } : {}),
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
