import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { FormDialog } from "@/components/FormDialog";
import { scopeOf } from "@/lib/scope";
import { t } from "@/lib/strings";
import { viewerZone } from "@/lib/time";
import { toast } from "@/lib/toasts";

/** Adds a company and goes to its page, where the first alert is sent from. */
export function AddCompany({ onClose }: { onClose: () => void }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [zone, setZone] = useState(viewerZone);
  const add = async () => {
    const { company } = await body(
      api.POST("/api/companies", {
        body: {
          name: name.trim(),
          ...(email.trim() ? { contact_email: email.trim() } : {}),
          ...(zone.trim() ? { time_zone: zone.trim() } : {}),
        },
      }),
    );
    await Promise.all([
      cache.invalidateQueries({ queryKey: keys.companies }),
      cache.invalidateQueries({ queryKey: keys.me }),
    ]);
    toast(t.companies.added(company.name));
    await navigate(scopeOf(company.id).path(`companies/${company.id}`));
  };
  return (
    <FormDialog
      title={t.companies.add}
      submit={t.common.create}
      disabled={!name.trim()}
      onSubmit={add}
      onClose={onClose}
    >
      <TextField
        autoFocus
        label={t.companies.name}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={t.companies.contact}
        type="email"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <TextField label={t.companies.zone} value={zone} onChange={(event) => setZone(event.target.value)} />
    </FormDialog>
  );
}
