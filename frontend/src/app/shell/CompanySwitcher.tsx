import Popover from "@mui/material/Popover";
import { ChevronsUpDown } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useLocation, useNavigate } from "react-router";

import type { Me } from "@/api/types";
import { Mark } from "@/components/Mark";
import { pathInScope, useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./CompanySwitcher.module.css";

const CompanyList = lazy(() => import("./CompanyList"));

export function CompanySwitcher({ me, collapsed }: { me: Me; collapsed: boolean }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const scope = useScope();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const current = me.companies.find((company) => company.id === scope.company);
  const only = me.companies.length === 1 ? me.companies[0] : undefined;
  const name = (current ?? only)?.name ?? t.shell.allCompanies;
  const choose = (id: string) => {
    setAnchor(null);
    void navigate(pathInScope(pathname, id));
  };
  return (
    <>
      <button
        type="button"
        className={css.button}
        onClick={(event) => setAnchor(event.currentTarget)}
        aria-haspopup="dialog"
        aria-label={collapsed ? `${t.shell.switchCompany}: ${name}` : undefined}
      >
        <span className={css.mark}>
          <Mark />
        </span>
        {!collapsed && (
          <>
            <span className="visually-hidden">{t.shell.switchCompany}:</span>
            <span className={css.names}>
              <strong className="ellipsis">{t.auth.product}</strong>
              <span className={`ellipsis ${css.scope ?? ""}`}>{name}</span>
            </span>
            <ChevronsUpDown size={14} aria-hidden="true" />
          </>
        )}
      </button>
      <Popover
        open={anchor !== null}
        anchorEl={anchor}
        onClose={() => setAnchor(null)}
        anchorOrigin={{ vertical: "bottom", horizontal: "left" }}
        slotProps={{ paper: { role: "dialog", "aria-label": t.shell.switchCompany } }}
      >
        <Suspense>
          <CompanyList me={me} current={scope.id} onChoose={choose} />
        </Suspense>
      </Popover>
    </>
  );
}
