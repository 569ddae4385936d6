import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";

import { api, body } from "@/api/client";
import { useMay } from "@/api/session";
import type { Company } from "@/api/types";
import { Page } from "@/components/Page";
import { Loaded } from "@/components/states";
import { t } from "@/lib/strings";

import css from "./companies.module.css";
import { ConnectCard } from "./ConnectCard";
import { CorrelationCard } from "./CorrelationCard";
import { HmacCard } from "./HmacCard";
import { ProfileCard } from "./ProfileCard";
import { RateLimitCard } from "./RateLimitCard";
import { SummaryStrip } from "./SummaryStrip";

function CompanyView({ company }: { company: Company }) {
  const may = useMay();
  const configs = may("config.read");
  return (
    <Page title={company.name}>
      <SummaryStrip companyId={company.id} />
      <div className={css.cards}>
        <div className={css.stack}>
          {(may("company.test_alert") || may("company.reveal_key")) && <ConnectCard company={company} />}
          {configs && <HmacCard companyId={company.id} />}
        </div>
        <div className={css.stack}>
          {configs && <CorrelationCard companyId={company.id} />}
          {configs && <RateLimitCard companyId={company.id} />}
          <ProfileCard company={company} />
        </div>
      </div>
    </Page>
  );
}

export default function CompanyPage() {
  const { id = "" } = useParams();
  const query = useQuery({
    queryKey: ["companies", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/companies/{company_id}", { params: { path: { company_id: id } }, signal })),
  });
  return (
    <Loaded query={query} what={t.common.company}>
      {(company) => <CompanyView key={company.id} company={company} />}
    </Loaded>
  );
}
