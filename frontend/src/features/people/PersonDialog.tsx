import Autocomplete from "@mui/material/Autocomplete";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { useSession } from "@/api/session";
import type { Role, User } from "@/api/types";
import { FormDialog } from "@/components/FormDialog";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

const roles: Role[] = ["client", "technician", "company_admin", "msp_admin"];

/** Nobody gives away more than they hold. */
const grantable = (own: Role | undefined): Role[] => roles.slice(0, own ? roles.indexOf(own) + 1 : 0);

interface Props {
  person: User | null;
  onIssued: (issued: { name: string; password: string }) => void;
  onClose: () => void;
}

interface Draft {
  email: string;
  name: string;
  role: Role;
  company_ids: string[];
}

function useSave({ person, onIssued }: Props): (draft: Draft) => Promise<void> {
  const cache = useQueryClient();
  const create = async (draft: Draft) => {
    const { user, password } = await body(api.POST("/api/users", { body: { ...draft } }));
    toast(t.estate.personAdded(user.name));
    if (password) onIssued({ name: user.name, password });
  };
  const change = async (id: string, { name, role, company_ids }: Draft) => {
    await body(
      api.PATCH("/api/users/{user_id}", {
        params: { path: { user_id: id } },
        body: { name, role, company_ids },
      }),
    );
    toast(t.common.saved);
  };
  return async (draft) => {
    const trimmed = { ...draft, email: draft.email.trim(), name: draft.name.trim() };
    await (person ? change(person.id, trimmed) : create(trimmed));
    await cache.invalidateQueries({ queryKey: keys.users });
  };
}

const complete = ({ email, name, role, company_ids }: Draft): boolean =>
  name.trim() !== "" && email.trim() !== "" && (role === "msp_admin" || company_ids.length > 0);

export function PersonDialog(props: Props) {
  const { person, onClose } = props;
  const { company } = useScope();
  const { data: me } = useSession();
  const save = useSave(props);
  const [draft, setDraft] = useState<Draft>(
    person ?? { email: "", name: "", role: "technician", company_ids: company ? [company] : [] },
  );
  const companies = me?.companies ?? [];
  return (
    <FormDialog
      title={person ? t.estate.editPerson(person.name) : t.estate.addPerson}
      submit={person ? t.common.save : t.common.create}
      disabled={!complete(draft)}
      onSubmit={() => save(draft)}
      onClose={onClose}
    >
      <TextField
        autoFocus
        label={t.estate.personName}
        value={draft.name}
        onChange={(event) => setDraft({ ...draft, name: event.target.value })}
      />
      {!person && (
        <TextField
          label={t.auth.email}
          type="email"
          value={draft.email}
          onChange={(event) => setDraft({ ...draft, email: event.target.value })}
        />
      )}
      <TextField
        select
        label={t.estate.role}
        value={draft.role}
        helperText={t.estate.roleHints[draft.role]}
        onChange={(event) => setDraft({ ...draft, role: event.target.value as Role })}
      >
        {grantable(me?.user.role).map((each) => (
          <MenuItem key={each} value={each}>
            {t.shell.role[each]}
          </MenuItem>
        ))}
      </TextField>
      {draft.role !== "msp_admin" && (
        <Autocomplete
          multiple
          options={companies}
          value={companies.filter((each) => draft.company_ids.includes(each.id))}
          onChange={(_, chosen) => setDraft({ ...draft, company_ids: chosen.map((each) => each.id) })}
          getOptionKey={(option) => option.id}
          getOptionLabel={(option) => option.name}
          renderInput={(parameters) => <TextField {...parameters} label={t.estate.companiesOf} />}
        />
      )}
    </FormDialog>
  );
}
