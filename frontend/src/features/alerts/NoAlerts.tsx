import { useMay } from "@/api/session";
import { Empty } from "@/components/states";
import { FirstAlert } from "@/components/FirstAlert";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

/** Before the first alert: how to send one. */
export function NoAlerts() {
  const { company } = useScope();
  const may = useMay();
  return (
    <Empty title={t.alerts.neverTitle}>
      {company && may("company.reveal_key") ? (
        <FirstAlert companyId={company} />
      ) : (
        <p className="muted">{t.alerts.neverPick}</p>
      )}
    </Empty>
  );
}
