import type { Frame, FrameType } from "@/api/frames";

import { mergeRows, type RowList, type View } from "./rows";

/** Frames of the last while. A fetch that was under way while they came is older than they are: they are laid over its answer. */
const KEPT = 2000;
let recent: Frame[] = [];

/** `company:seq:n` → its parts; null for frames of the connection itself. */
export function position(id: string): { company: string; seq: number; n: number } | null {
  const parts = /^(.+):(\d+):(\d+)$/.exec(id);
  return parts?.[1] ? { company: parts[1], seq: Number(parts[2]), n: Number(parts[3]) } : null;
}

export function remember(frames: readonly Frame[]): void {
  recent = [...recent, ...frames].slice(-KEPT);
}

export function forget(): void {
  recent = [];
}

/** A fetched list with what happened after it was read laid over it. */
export function caughtUp<T extends { id: string }>(
  list: RowList<T>,
  cursors: Record<string, number>,
  types: readonly FrameType[],
  view: View<T>,
): RowList<T> {
  const changed = new Map<string, T>();
  for (const frame of recent) {
    if (!types.includes(frame.type)) continue;
    const at = position(frame.id);
    if (at && at.seq > (cursors[at.company] ?? Infinity)) {
      const document = frame.data as unknown as T;
      changed.set(document.id, document);
    }
  }
  return changed.size > 0 ? mergeRows(list, changed, view) : list;
}
