import { useMemo } from "react";
import { useParams } from "react-router";

export const ALL = "all";

/** The choice of company that the address holds: `/c/<company>/…`, or all that the person can reach. */
export interface Scope {
  id: string;
  /** For queries: empty means all in reach. */
  companies: string[];
  company: string | null;
  path: (rest: string) => string;
}

export function scopeOf(id: string): Scope {
  const company = id === ALL ? null : id;
  return {
    id,
    company,
    companies: company ? [company] : [],
    path: (rest) => `/c/${encodeURIComponent(id)}/${rest}`,
  };
}

export function useScope(): Scope {
  const { company = ALL } = useParams();
  return useMemo(() => scopeOf(company), [company]);
}

/** The same page for another company; a page about one thing leads back to its list. */
export function pathInScope(pathname: string, scope: string): string {
  const [, , , page = "overview"] = pathname.split("/");
  return scopeOf(scope).path(page);
}
