import { useCallback, useEffect, useState } from "react";
import { useSearchParams } from "react-router";

/** One part of the address' query. Setting it replaces the entry, so that Back leaves the page and does not undo filters. */
export function useParam(name: string): [string, (value: string | null) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string | null) =>
      setParams(
        (previous) => {
          const next = new URLSearchParams(previous);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace: true },
      ),
    [name, setParams],
  );
  return [params.get(name) ?? "", set];
}

/** A part that holds several values, written `?severity=high&severity=low`. */
export function useParams(name: string): [string[], (values: readonly string[]) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (values: readonly string[]) =>
      setParams(
        (previous) => {
          const next = new URLSearchParams(previous);
          next.delete(name);
          for (const value of values) next.append(name, value);
          return next;
        },
        { replace: true },
      ),
    [name, setParams],
  );
  return [params.getAll(name), set];
}

/** Several values out of a known few; what else stands in an address is passed over. */
export function useChoices<T extends string>(
  name: string,
  known: readonly T[],
): [T[], (values: readonly T[]) => void] {
  const [values, set] = useParams(name);
  return [known.filter((value) => values.includes(value)), set];
}

/**
 * Remembers the query of a page in this browser and brings it back when the page is opened bare, so that filters are
 * not lost on the way. The address always wins.
 */
export function useRememberedQuery(page: string): void {
  const [params, setParams] = useSearchParams();
  const [opened] = useState(() => params.toString());
  const now = params.toString();
  useEffect(() => {
    const remembered = sessionStorage.getItem(`aw-query-${page}`);
    if (!opened && remembered) setParams(new URLSearchParams(remembered), { replace: true });
    // Only on arrival: clearing the filters later must not bring them back.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => {
    const kept = new URLSearchParams(now);
    kept.delete("peek");
    sessionStorage.setItem(`aw-query-${page}`, kept.toString());
  }, [page, now]);
}
