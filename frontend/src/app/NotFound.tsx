import { Link, useRouteError } from "react-router";

import { Page } from "@/components/Page";
import { Failure } from "@/components/states";
import { t } from "@/lib/strings";

export function NotFound() {
  return (
    <Page title={t.common.notFound}>
      <p>
        <Link to="/c/all/overview">{t.common.backHome}</Link>
      </p>
    </Page>
  );
}

/** A page that broke, inside a shell that did not. */
export function RouteFailure() {
  const error = useRouteError();
  return (
    <Page title={t.common.brokenPage}>
      <Failure what={t.common.page} error={error} onRetry={() => window.location.reload()} />
    </Page>
  );
}
