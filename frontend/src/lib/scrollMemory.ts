import { useCallback, useEffect, useLayoutEffect, useRef, useState, type UIEvent } from "react";
import { useLocation } from "react-router";

const KEPT = 200;

/** How far a list was scrolled, and the row that the keyboard was at. */
export interface Place {
  top: number;
  activeId: string | null;
}

/** By the entry of the history that showed them. */
const places = new Map<string, Place>();
const START: Place = { top: 0, activeId: null };

function note(name: string, place: Place): void {
  places.delete(name);
  if (place.top > 0 || place.activeId !== null) places.set(name, place);
  for (const oldest of places.keys()) {
    if (places.size <= KEPT) break;
    places.delete(oldest);
  }
}

/** Where a list was when this entry of the history was left, and how to say where it is now. */
export function useScrollMemory(list: string): {
  initial: Place;
  remember: (change: Partial<Place>) => void;
} {
  const { key } = useLocation();
  const name = `${key} ${list}`;
  const [initial] = useState(() => places.get(name) ?? START);
  const latest = useRef(initial);
  // To narrow or to peek replaces the entry: the list stays where it is, under the new entry.
  useEffect(() => note(name, latest.current), [name]);
  const remember = useCallback(
    (change: Partial<Place>) => {
      latest.current = { ...latest.current, ...change };
      note(name, latest.current);
    },
    [name],
  );
  return { initial, remember };
}

/** A new page begins at its top, Back returns to where one was; for the pane that all pages scroll in. */
export function usePageScroll() {
  const { key, pathname } = useLocation();
  const pane = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useLayoutEffect(() => {
    const box = pane.current;
    if (!box) return;
    if (shown.current === pathname) note(`${key} page`, { ...START, top: box.scrollTop });
    else box.scrollTop = (places.get(`${key} page`) ?? START).top;
    shown.current = pathname;
  }, [key, pathname]);
  const onScroll = (event: UIEvent<HTMLElement>) => {
    if (event.target === event.currentTarget)
      note(`${key} page`, { ...START, top: event.currentTarget.scrollTop });
  };
  return { pane, onScroll };
}
