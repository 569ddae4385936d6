/** Rows of one list as the cache holds them; `next` is the cursor of the page after them, null at the end. */
export interface RowList<T> {
  rows: T[];
  next: string | null;
  /** How many pages were read, the first one included; absent for one. */
  pages?: number;
}

/** What a list shows and in which order; mirrors the server's filter so that live changes land where a fetch would put them. */
export interface View<T> {
  matches: (row: T) => boolean;
  compare: (one: T, other: T) => number;
  /** Whether `next` is at least as new as `held`: an older copy never replaces a newer one. */
  isNewer: (next: T, held: T) => boolean;
}

export const MAX_ROWS = 20_000;

interface Identified {
  id: string;
}

/** Whether a row that no page brought belongs beyond the last page that was read. */
function beyondPages<T>(row: T, list: RowList<T>, view: View<T>): boolean {
  const last = list.rows.at(-1);
  return list.next !== null && last !== undefined && view.compare(row, last) > 0;
}

/** Two sorted runs as one; linear, where sorting everything again at each flush is not. */
function interleave<T>(one: readonly T[], other: readonly T[], compare: View<T>["compare"]): T[] {
  if (other.length === 0) return [...one];
  const merged: T[] = [];
  let at = 0;
  for (const row of other) {
    let next = one[at];
    while (next !== undefined && compare(next, row) <= 0) {
      merged.push(next);
      at += 1;
      next = one[at];
    }
    merged.push(row);
  }
  for (; at < one.length; at += 1) merged.push(one[at] as T);
  return merged;
}

/**
 * The list after a batch of changed documents: what did not change keeps its place, what did is put where it belongs now,
 * and what no longer matches is gone. Returns the same object when nothing changed.
 */
export function mergeRows<T extends Identified>(
  list: RowList<T>,
  changed: ReadonlyMap<string, T>,
  view: View<T>,
): RowList<T> {
  const held = new Set<string>();
  const kept: T[] = [];
  const placed: T[] = [];
  for (const row of list.rows) {
    const next = changed.get(row.id);
    if (next === undefined) {
      kept.push(row);
      continue;
    }
    held.add(row.id);
    if (!view.isNewer(next, row)) kept.push(row);
    else if (view.matches(next)) placed.push(next);
  }
  for (const [id, row] of changed) {
    if (!held.has(id) && view.matches(row) && !beyondPages(row, list, view)) placed.push(row);
  }
  if (placed.length === 0 && kept.length === list.rows.length) return list;
  const rows = interleave(kept, placed.sort(view.compare), view.compare);
  return { ...list, rows: rows.length > MAX_ROWS ? rows.slice(0, MAX_ROWS) : rows };
}
