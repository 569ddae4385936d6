import { Circle, CircleCheck } from "lucide-react";
import { Link } from "react-router";

import { useMay, useSession } from "@/api/session";
import { Card } from "@/components/bits";
import { useScope } from "@/lib/scope";
import { t } from "@/lib/strings";

import css from "./overview.module.css";

/** Stands in the place of "Needs you" until the first alert has come. */
export function SetUp() {
  const scope = useScope();
  const may = useMay();
  const { data: me } = useSession();
  const company = scope.company ?? me?.companies[0]?.id;
  const steps: [string, boolean][] = [
    [t.overview.stepCompany, (me?.companies.length ?? 0) > 0],
    [t.overview.stepKey, false],
    [t.overview.stepAlert, false],
  ];
  return (
    <Card title={t.overview.setUp}>
      <ol className={css.steps}>
        {steps.map(([text, done]) => (
          <li key={text}>
            {done ? (
              <CircleCheck size={16} className={css.done} aria-label={t.common.yes} />
            ) : (
              <Circle size={16} aria-label={t.common.no} />
            )}
            {text}
          </li>
        ))}
      </ol>
      {may("company.read") && (
        <Link to={company ? scope.path(`companies/${company}`) : scope.path("companies")}>
          {company ? t.overview.openSetUp : t.companies.add}
        </Link>
      )}
    </Card>
  );
}
