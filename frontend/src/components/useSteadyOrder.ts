import { useCallback, useEffect, useMemo, useRef, useState } from "react";

const IDLE_MS = 8000;

interface Identified {
  id: string;
}

export interface SteadyOrder<T> {
  rows: readonly T[];
  /** Rows that came since the order was held. */
  waiting: number;
  hold: () => void;
  release: () => void;
  /** Holds while the pointer moves over the list, and a little longer. */
  pointerMoved: () => void;
}

/**
 * Keeps rows where they are while a person aims at one: held rows are updated in place and new ones wait, so that a
 * click never lands on what has just moved under it.
 */
export function useSteadyOrder<T extends Identified>(live: readonly T[]): SteadyOrder<T> {
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const idle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(idle.current), []);

  const hold = useCallback(() => setHeld((previous) => previous ?? live.map((row) => row.id)), [live]);
  const release = useCallback(() => {
    clearTimeout(idle.current);
    setHeld(null);
  }, []);
  const pointerMoved = useCallback(() => {
    hold();
    clearTimeout(idle.current);
    idle.current = setTimeout(() => setHeld(null), IDLE_MS);
  }, [hold]);

  return useMemo(() => {
    if (!held) return { rows: live, waiting: 0, hold, release, pointerMoved };
    const byId = new Map(live.map((row) => [row.id, row]));
    const rows = held.flatMap((id) => byId.get(id) ?? []);
    return { rows, waiting: live.length - rows.length, hold, release, pointerMoved };
  }, [live, held, hold, release, pointerMoved]);
}
