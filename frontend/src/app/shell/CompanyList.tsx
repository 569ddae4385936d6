import { Command } from "cmdk";
import { Check } from "lucide-react";

import type { Me } from "@/api/types";
import { ALL } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./CompanySwitcher.module.css";

/** The companies in reach, found by typing. */
export default function CompanyList({
  me,
  current,
  onChoose,
}: {
  me: Me;
  current: string;
  onChoose: (id: string) => void;
}) {
  return (
    <Command className={css.list} label={t.shell.findCompany}>
      <Command.Input autoFocus placeholder={t.shell.findCompany} className={css.input} />
      <Command.List>
        <Command.Empty className={css.none}>{t.shell.noCompany}</Command.Empty>
        {[{ id: ALL, name: t.shell.allCompanies }, ...me.companies].map((company) => (
          <Command.Item
            key={company.id}
            value={`${company.name} ${company.id}`}
            onSelect={() => onChoose(company.id)}
            className={css.item}
          >
            <span className="ellipsis">{company.name}</span>
            {company.id === current && <Check size={14} aria-hidden="true" />}
          </Command.Item>
        ))}
      </Command.List>
    </Command>
  );
}
