import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import { usePeople } from "@/api/people";
import { useCompanyName, useMay, useSession } from "@/api/session";
import type { User } from "@/api/types";
import { Card, CodeBlock } from "@/components/bits";
import { DataTable, type TableColumn } from "@/components/DataTable";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Empty, ListStates } from "@/components/states";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

import css from "./people.module.css";
import { PersonDialog } from "./PersonDialog";

const names = t.estate.peopleColumns;

interface Issued {
  name: string;
  password: string;
}

function PasswordOnce({ issued, onClose }: { issued: Issued; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} maxWidth="xs" fullWidth aria-labelledby="password-once">
      <DialogTitle id="password-once">{t.estate.passwordOnce}</DialogTitle>
      <DialogContent>
        <div className={css.once}>
          <p>{t.estate.passwordOnceText(issued.name)}</p>
          <CodeBlock text={issued.password} label={t.estate.passwordOnce} />
        </div>
      </DialogContent>
      <DialogActions>
        <Button variant="contained" onClick={onClose}>
          {t.common.close}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const complain = (error: unknown): void => {
  toast(t.incidents.verbFailed(t.common.save), {
    tone: "error",
    detail: error instanceof Error ? error.message : undefined,
  });
};

function usePersonVerbs(onIssued: (issued: Issued) => void) {
  const cache = useQueryClient();
  const setActive = async (person: User, active: boolean) => {
    await body(
      api.PATCH("/api/users/{user_id}", { params: { path: { user_id: person.id } }, body: { active } }),
    );
    await cache.invalidateQueries({ queryKey: keys.users });
  };
  return {
    toggle: async (person: User) => {
      try {
        await setActive(person, !person.active);
        toast(person.active ? t.estate.deactivated(person.name) : t.estate.activated(person.name), {
          undo: () => void setActive(person, person.active).catch(complain),
        });
      } catch (error) {
        complain(error);
      }
    },
    resetPassword: async (person: User) => {
      try {
        const { password } = await body(
          api.POST("/api/users/{user_id}/reset-password", { params: { path: { user_id: person.id } } }),
        );
        onIssued({ name: person.name, password });
      } catch (error) {
        complain(error);
      }
    },
  };
}

function useColumns(edit: (person: User) => void, onIssued: (issued: Issued) => void): TableColumn<User>[] {
  const may = useMay();
  const { data: me } = useSession();
  const companyName = useCompanyName();
  const verbs = usePersonVerbs(onIssued);
  const columns: TableColumn<User>[] = [
    { key: "name", title: names.name, lead: true, cell: (person) => person.name },
    { key: "email", title: names.email, cell: (person) => person.email },
    { key: "role", title: names.role, cell: (person) => t.shell.role[person.role] },
    {
      key: "companies",
      title: names.companies,
      cell: (person) =>
        person.role === "msp_admin" ? (
          <span className="muted">{t.estate.everyCompany}</span>
        ) : (
          person.company_ids.map(companyName).join(", ") || t.common.none
        ),
    },
    {
      key: "active",
      title: names.active,
      cell: (person) => (
        <Pill tone={person.active ? "ok" : "plain"}>
          {person.active ? t.estate.active : t.estate.inactive}
        </Pill>
      ),
    },
  ];
  if (may("user.write")) {
    columns.push({
      key: "verbs",
      title: "",
      label: t.common.edit,
      align: "right",
      cell: (person) => (
        <span className={css.verbs}>
          <Button variant="text" onClick={() => edit(person)} aria-label={t.estate.editPerson(person.name)}>
            {t.common.edit}
          </Button>
          <Button
            variant="text"
            onClick={() => void verbs.resetPassword(person)}
            aria-label={`${t.estate.resetPassword}: ${person.name}`}
          >
            {t.estate.resetPassword}
          </Button>
          {person.id !== me?.user.id && (
            <Button
              variant="text"
              color={person.active ? "error" : "primary"}
              onClick={() => void verbs.toggle(person)}
              aria-label={`${person.active ? t.estate.deactivate : t.estate.activate}: ${person.name}`}
            >
              {person.active ? t.estate.deactivate : t.estate.activate}
            </Button>
          )}
        </span>
      ),
    });
  }
  return columns;
}

export default function PeoplePage() {
  const may = useMay();
  const { company } = useScope();
  const query = usePeople();
  const [editing, setEditing] = useState<User | "new" | null>(null);
  const [issued, setIssued] = useState<Issued | null>(null);
  const columns = useColumns(setEditing, setIssued);
  const rows = query.data?.filter(
    (person) => company === null || person.role === "msp_admin" || person.company_ids.includes(company),
  );
  return (
    <Page
      title={t.estate.people}
      actions={
        may("user.write") && (
          <Button variant="contained" startIcon={<Plus size={14} />} onClick={() => setEditing("new")}>
            {t.estate.addPerson}
          </Button>
        )
      }
    >
      <Card flush>
        <ListStates
          list={{ rows, error: query.error, isFetching: query.isFetching, refetch: query.refetch }}
          what={t.estate.people}
          filtered={false}
          empty={<Empty title={t.estate.noPeople} />}
        />
        {rows && rows.length > 0 && (
          <DataTable
            label={t.estate.people}
            rows={rows}
            columns={columns}
            rowKey={(person) => person.id}
            rowTestId="person-row"
          />
        )}
      </Card>
      {editing && (
        <PersonDialog
          person={editing === "new" ? null : editing}
          onIssued={setIssued}
          onClose={() => setEditing(null)}
        />
      )}
      {issued && <PasswordOnce issued={issued} onClose={() => setIssued(null)} />}
    </Page>
  );
}
