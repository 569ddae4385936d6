import Button from "@mui/material/Button";
import { useEffect, useState, type ReactNode } from "react";

import { ApiError } from "@/api/client";
import { t } from "@/lib/strings";

import css from "./states.module.css";

const SKELETON_AFTER_MS = 150;

/** Grey rows, but only when the wait is long enough to be noticed. */
export function Skeletons({ rows = 6 }: { rows?: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={css.skeletons} role="status" aria-label={t.common.loading}>
      {shown && Array.from({ length: rows }, (_, index) => <div key={index} className={css.skeleton} />)}
    </div>
  );
}

/** A thin line while old rows are shown and newer ones are on their way. */
export function ProgressLine({ active }: { active: boolean }) {
  return <div className={`${css.progress ?? ""} ${active ? (css.running ?? "") : ""}`} aria-hidden="true" />;
}

export function Empty({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className={css.empty}>
      <p className={css.emptyTitle}>{title}</p>
      {children}
    </div>
  );
}

/** What failed, why, which request it was, and a way to try again; a missing permission says who can grant it. */
export function Failure({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  if (error instanceof ApiError && error.status === 403) {
    return (
      <Empty title={t.common.notAllowed}>
        {error.problem && <p className="muted">{error.problem.detail}</p>}
        <p className="muted">{t.common.whoGrants}</p>
      </Empty>
    );
  }
  return (
    <div className={css.failure} role="alert">
      <p className={css.emptyTitle}>{t.common.failed(what)}</p>
      <p>{error instanceof Error ? error.message : t.common.unreachable}</p>
      {error instanceof ApiError && error.requestId && (
        <p className="muted mono">{t.common.requestId(error.requestId)}</p>
      )}
      {onRetry && <Button onClick={onRetry}>{t.common.retry}</Button>}
    </div>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** The states that each read goes through, told once. Old data stays while newer is fetched or fails to come. */
export function Loaded<T>({
  query,
  what,
  rows,
  children,
}: {
  query: Asked<T>;
  what: string;
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure what={what} error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeletons {...(rows === undefined ? {} : { rows })} />;
}

/** What a live list shows besides its rows: the wait, the failure, emptiness by filter or in truth, a refetch under way. */
export function ListStates(props: {
  list: { rows: readonly unknown[] | undefined; error: unknown; isFetching: boolean; refetch: () => unknown };
  what: string;
  filtered: boolean;
  empty: ReactNode;
}) {
  const { rows, error, isFetching, refetch } = props.list;
  if (rows === undefined) {
    return error ? (
      <Failure what={props.what} error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeletons rows={10} />
    );
  }
  return (
    <>
      <ProgressLine active={isFetching} />
      {rows.length === 0 && (props.filtered ? <Empty title={t.common.filteredEmpty(null)} /> : props.empty)}
    </>
  );
}
