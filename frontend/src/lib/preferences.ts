import { createStore } from "./store";

/** What one person prefers in this browser. Kept in localStorage; a browser that denies storage forgets it. */
export interface Preferences {
  density: "compact" | "comfortable";
  railCollapsed: boolean;
  singleKeys: boolean;
  desktopNotices: boolean;
}

const KEY = "aw-preferences";
const defaults: Preferences = {
  density: "compact",
  railCollapsed: false,
  singleKeys: true,
  desktopNotices: false,
};

function stored(): Partial<Preferences> {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

export const preferences = createStore<Preferences>({ ...defaults, ...stored() });

export function prefer(change: Partial<Preferences>): void {
  preferences.set((previous) => ({ ...previous, ...change }));
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.get()));
  } catch {
    // Denied storage costs the memory of the choice, nothing else.
  }
}
