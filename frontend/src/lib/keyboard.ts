import { useEffect, useRef } from "react";

import { preferences } from "./preferences";
import { createStore } from "./store";

/**
 * One shortcut. `keys` is what is pressed in order: "a", "shift+x", "mod+k" (⌘ or Ctrl), "g i" (one after the other).
 * `group` is the heading in the sheet that `?` opens.
 */
export interface Shortcut {
  keys: string;
  label: string;
  group: string;
  run: (event: KeyboardEvent) => void;
}

/** What is in force now; the sheet of shortcuts is drawn from it. Later entries win over earlier ones. */
export const shortcuts = createStore<readonly Shortcut[]>([]);

const SEQUENCE_MS = 900;
let pending: { key: string; at: number } | null = null;

/** The name of a pressed key in the notation of `Shortcut.keys`. */
export function keyName(event: KeyboardEvent): string {
  const key =
    event.key === " " ? "space" : event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  const shifted = event.shiftKey && (/^[a-z]$/.test(key) || key.length > 1);
  return `${event.metaKey || event.ctrlKey ? "mod+" : ""}${shifted ? "shift+" : ""}${key}`;
}

function typesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
    return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type);
}

const overlayOpen = (): boolean =>
  document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]') !== null;

/** Space and Enter belong to a focused button or link before they belong to us. */
const ownsActivation = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest("a, button, [role=button], [role=tab], summary, input") !== null;

function find(keys: string): Shortcut | undefined {
  return shortcuts.get().findLast((shortcut) => shortcut.keys === keys);
}

function allowed(name: string, target: EventTarget | null): boolean {
  if (name.startsWith("mod+")) return !overlayOpen() || name === "mod+k";
  if (typesText(target) || overlayOpen()) return false;
  if ((name === "space" || name === "enter") && ownsActivation(target)) return false;
  return preferences.get().singleKeys || name.length > 1;
}

/** Finds and runs the shortcut of a key press. Single letters never fire in fields, nor while a dialog is open. */
export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return;
  const name = keyName(event);
  if (!allowed(name, event.target)) return;
  const started = pending !== null && event.timeStamp - pending.at < SEQUENCE_MS ? pending.key : null;
  pending = null;
  const shortcut = (started ? find(`${started} ${name}`) : undefined) ?? find(name);
  if (shortcut) {
    event.preventDefault();
    shortcut.run(event);
  } else if (shortcuts.get().some((other) => other.keys.startsWith(`${name} `))) {
    pending = { key: name, at: event.timeStamp };
  }
}

/** Puts shortcuts in force while the calling component is mounted. */
export function useShortcuts(list: readonly Shortcut[]): void {
  const latest = useRef(list);
  useEffect(() => {
    latest.current = list;
  });
  const shape = list.map((shortcut) => `${shortcut.keys}|${shortcut.label}|${shortcut.group}`).join("\n");
  useEffect(() => {
    const mine = latest.current.map((shortcut, index) => ({
      ...shortcut,
      run: (event: KeyboardEvent) => latest.current[index]?.run(event),
    }));
    shortcuts.set((previous) => [...previous, ...mine]);
    return () => shortcuts.set((previous) => previous.filter((shortcut) => !mine.includes(shortcut)));
  }, [shape]);
}

/** Listens to the keyboard while the calling component is mounted; the shell calls it once. */
export function useKeyboard(): void {
  useEffect(() => {
    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, []);
}
