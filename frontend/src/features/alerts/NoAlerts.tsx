import { Link } from "react-router";

import { useMay, useSession } from "@/api/session";
import { Empty } from "@/components/states";
import { FirstAlert } from "@/components/FirstAlert";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

/** Before the first alert: how to send one, or where to find that out. */
export function NoAlerts() {
  const { company, path } = useScope();
  const may = useMay();
  const { data: me } = useSession();
  const only = me?.companies.length === 1 ? me.companies[0]?.id : undefined;
  const shown = company ?? only;
  return (
    <Empty title={t.alerts.neverTitle}>
      {shown && may("company.reveal_key") ? (
        <FirstAlert companyId={shown} />
      ) : (
        <p className="muted">
          {t.alerts.neverPick} <Link to={path("companies")}>{t.shell.companies}</Link>
        </p>
      )}
    </Empty>
  );
}
