import Button from "@mui/material/Button";
import type { ReactNode } from "react";

import { useShortcuts } from "@/lib/keyboard";
import { t } from "@/lib/strings";

import { Kbd } from "./bits";
import css from "./ListFrame.module.css";
import type { RowCursor } from "./useRowCursor";

export interface RowVerb {
  keys: string;
  label: string;
  run: () => void;
}

/** Verbs over the selected rows, or by key over the row under the cursor; drawn only for a selection. */
export function SelectionBar<T extends { id: string }>({
  cursor,
  verbs,
  group,
  children,
}: {
  cursor: RowCursor<T>;
  verbs: readonly RowVerb[];
  group: string;
  children?: ReactNode;
}) {
  useShortcuts(verbs.map(({ keys, label, run }) => ({ keys, label, group, run })));
  if (cursor.selected.size === 0) return null;
  const selected = t.common.selected(cursor.selected.size);
  return (
    <div className={css.bulk} role="toolbar" aria-label={selected}>
      <strong>{selected}</strong>
      {verbs.map(({ keys, label, run }) => (
        <Button key={keys} onClick={run} endIcon={<Kbd>{keys.toUpperCase()}</Kbd>}>
          {label}
        </Button>
      ))}
      {children}
      <Button variant="text" onClick={cursor.clear}>
        {t.common.clear}
      </Button>
    </div>
  );
}
