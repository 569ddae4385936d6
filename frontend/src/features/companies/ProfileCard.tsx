import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { useMay } from "@/api/session";
import type { Company } from "@/api/types";
import { Card } from "@/components/bits";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import css from "./companies.module.css";

export function ProfileCard({ company }: { company: Company }) {
  const may = useMay();
  const cache = useQueryClient();
  const [name, setName] = useState(company.name);
  const [email, setEmail] = useState(company.contact_email);
  const [zone, setZone] = useState(company.time_zone);
  const readOnly = !may("company.update");
  const before = { name: company.name, contact_email: company.contact_email, time_zone: company.time_zone };
  const put = async (change: Partial<Company>) => {
    await body(
      api.PATCH("/api/companies/{company_id}", {
        params: { path: { company_id: company.id } },
        body: change,
      }),
    );
    await Promise.all([
      cache.invalidateQueries({ queryKey: keys.companies }),
      cache.invalidateQueries({ queryKey: keys.me }),
    ]);
  };
  const save = async (event: React.SyntheticEvent) => {
    event.preventDefault();
    try {
      await put({ name: name.trim(), contact_email: email.trim(), time_zone: zone.trim() });
      toast(t.common.saved, { undo: () => void put(before) });
    } catch (error) {
      const detail = error instanceof Error ? error.message : undefined;
      toast(t.incidents.verbFailed(t.common.save), { tone: "error", detail });
    }
  };
  const changed = name !== company.name || email !== company.contact_email || zone !== company.time_zone;
  return (
    <Card title={t.companies.profile}>
      <form onSubmit={save} className={css.fields}>
        <TextField
          label={t.companies.name}
          value={name}
          disabled={readOnly}
          onChange={(event) => setName(event.target.value)}
        />
        <div className={css.pair}>
          <TextField
            label={t.companies.contact}
            value={email}
            disabled={readOnly}
            onChange={(event) => setEmail(event.target.value)}
          />
          <TextField
            label={t.companies.zone}
            value={zone}
            disabled={readOnly}
            onChange={(event) => setZone(event.target.value)}
          />
        </div>
        {!readOnly && (
          <div>
            <Button type="submit" disabled={!changed || !name.trim()}>
              {t.common.save}
            </Button>
          </div>
        )}
      </form>
    </Card>
  );
}
