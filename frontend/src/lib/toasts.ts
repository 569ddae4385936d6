import { createStore } from "./store";

export const UNDO_MS = 8000;

/** One message at the foot of the page. `undo` adds the button; a toast with `tone: "error"` stays until closed. */
export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  detail?: string | undefined;
  undo?: (() => void) | undefined;
}

export const toasts = createStore<readonly Toast[]>([]);
let last = 0;

export function dismiss(id: number): void {
  toasts.set((list) => list.filter((toast) => toast.id !== id));
}

export function toast(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
  last += 1;
  const id = last;
  const tone = options.tone ?? "plain";
  // The newest outcome stands alone, since the server undoes the latest verb first; errors wait until they are read.
  toasts.set((list) => [
    ...list.filter((other) => other.tone === "error").slice(-2),
    { id, text, tone, detail: options.detail, undo: options.undo },
  ]);
  if (tone !== "error") setTimeout(() => dismiss(id), UNDO_MS);
  return id;
}

/** Runs the undo of the newest toast that has one. */
export function undoLatest(): void {
  const latest = toasts.get().findLast((entry) => entry.undo);
  if (!latest) return;
  dismiss(latest.id);
  latest.undo?.();
}
