import { useCallback, useEffect, useLayoutEffect, useRef, useState, type UIEvent } from "react";
import { useLocation } from "react-router";

const KEPT = 200;

/** How far each place was scrolled, by the entry of the history that showed it. */
const places = new Map<string, number>();

function note(place: string, top: number): void {
  places.delete(place);
  if (top > 0) places.set(place, top);
  for (const oldest of places.keys()) {
    if (places.size <= KEPT) break;
    places.delete(oldest);
  }
}

/** Where a list was when this entry of the history was left, and how to say where it is now. */
export function useScrollMemory(name: string): { initial: number; remember: (top: number) => void } {
  const { key } = useLocation();
  const place = `${key} ${name}`;
  const [initial] = useState(() => places.get(place) ?? 0);
  const latest = useRef(initial);
  // To narrow or to peek replaces the entry: the list stays where it is, under the new entry.
  useEffect(() => note(place, latest.current), [place]);
  const remember = useCallback(
    (top: number) => {
      latest.current = top;
      note(place, top);
    },
    [place],
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
    if (shown.current === pathname) note(`${key} page`, box.scrollTop);
    else box.scrollTop = places.get(`${key} page`) ?? 0;
    shown.current = pathname;
  }, [key, pathname]);
  const onScroll = (event: UIEvent<HTMLElement>) => {
    if (event.target === event.currentTarget) note(`${key} page`, event.currentTarget.scrollTop);
  };
  return { pane, onScroll };
}
