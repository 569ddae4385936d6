import { useCallback, useMemo, useState } from "react";

import { useShortcuts } from "@/lib/keyboard";
import { t } from "@/lib/strings";

interface Identified {
  id: string;
}

export interface RowCursor<T> {
  activeId: string | null;
  selected: ReadonlySet<string>;
  /** What a verb applies to: the selection, else the row under the cursor. */
  targets: readonly T[];
  toggle: (id: string) => void;
  select: (ids: Iterable<string>) => void;
  clear: () => void;
}

interface Actions<T> {
  open: (row: T) => void;
  peek: (row: T | null) => void;
  /** Whether a peek is open: then Esc closes it, and nothing else. */
  peeking: boolean;
  /** The row that the cursor is at to begin with. */
  startsAt: string | null;
  /** The first row in sight, where the cursor appears. */
  first: () => number;
  moved: (index: number) => void;
}

/** j, k, x, shift-x, Space, Enter and Esc over the rows of one list. */
export function useRowCursor<T extends Identified>(rows: readonly T[], actions: Actions<T>): RowCursor<T> {
  const [activeId, setActiveId] = useState<string | null>(actions.startsAt);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const at = rows.findIndex((row) => row.id === activeId);
  const active = rows[at];

  const toggle = useCallback((id: string) => {
    setSelected((previous) => {
      const next = new Set(previous);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const select = useCallback((ids: Iterable<string>) => setSelected(new Set(ids)), []);
  const clear = useCallback(() => {
    setSelected(new Set());
    setActiveId(null);
  }, []);

  const move = (step: number) => {
    const index =
      at < 0 ? Math.min(rows.length - 1, actions.first()) : Math.min(rows.length - 1, Math.max(0, at + step));
    const row = rows[index];
    if (!row) return;
    setActiveId(row.id);
    actions.moved(index);
  };
  const selectRange = () => {
    if (!active) return;
    const anchor = rows.findIndex((row) => selected.has(row.id));
    const from = anchor < 0 ? at : Math.min(anchor, at);
    const to = anchor < 0 ? at : Math.max(anchor, at);
    setSelected(new Set([...selected, ...rows.slice(from, to + 1).map((row) => row.id)]));
  };

  const { keys } = t.incidents;
  useShortcuts([
    { keys: "j", label: keys.next, group: keys.group, run: () => move(1) },
    { keys: "k", label: keys.previous, group: keys.group, run: () => move(-1) },
    { keys: "x", label: keys.select, group: keys.group, run: () => active && toggle(active.id) },
    { keys: "shift+x", label: keys.range, group: keys.group, run: selectRange },
    { keys: "space", label: keys.peek, group: keys.group, run: () => active && actions.peek(active) },
    { keys: "enter", label: keys.open, group: keys.group, run: () => active && actions.open(active) },
    {
      keys: "escape",
      label: t.common.clear,
      group: keys.group,
      run: () => {
        actions.peek(null);
        if (!actions.peeking) clear();
      },
    },
  ]);

  const targets = useMemo(
    () => (selected.size > 0 ? rows.filter((row) => selected.has(row.id)) : active ? [active] : []),
    [rows, selected, active],
  );
  return { activeId, selected, targets, toggle, select, clear };
}
