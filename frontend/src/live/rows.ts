/** Rows of one list as the cache holds them; `next` is the cursor of the page after them, null at the end. */
export interface RowList<T> {
  rows: T[];
  next: string | null;
}

/** What a list shows and in which order; mirrors the server's filter so that live changes land where a fetch would put them. */
export interface View<T> {
  matches(row: T): boolean;
  compare(one: T, other: T): number;
  /** Whether `next` is at least as new as `held`: an older copy never replaces a newer one. */
  isNewer(next: T, held: T): boolean;
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

/**
 * The list after a batch of changed documents: replaced in place, dropped where they match no longer, added where they do.
 * Returns the same object when nothing changed.
 */
export function mergeRows<T extends Identified>(
  list: RowList<T>,
  changed: ReadonlyMap<string, T>,
  view: View<T>,
): RowList<T> {
  const held = new Set<string>();
  let touched = false;
  const rows: T[] = [];
  for (const row of list.rows) {
    const next = changed.get(row.id);
    if (next === undefined || !view.isNewer(next, row)) {
      rows.push(row);
      held.add(row.id);
      continue;
    }
    touched = true;
    held.add(row.id);
    if (view.matches(next)) rows.push(next);
  }
  for (const [id, row] of changed) {
    if (held.has(id) || !view.matches(row) || beyondPages(row, list, view)) continue;
    touched = true;
    rows.push(row);
  }
  if (!touched) return list;
  rows.sort((one, other) => view.compare(one, other));
  return { rows: rows.length > MAX_ROWS ? rows.slice(0, MAX_ROWS) : rows, next: list.next };
}
