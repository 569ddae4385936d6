import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";

import { Kbd } from "@/components/bits";
import { shortcuts, type Shortcut } from "@/lib/keyboard";
import { useStore } from "@/lib/store";
import { t } from "@/lib/strings";

import css from "./ShortcutSheet.module.css";

const printed: Record<string, string> = {
  mod: "Ctrl",
  space: "Space",
  enter: "Enter",
  escape: "Esc",
  shift: "Shift",
};

const pieces = (keys: string): string[] =>
  keys.split(" ").flatMap((press) => press.split("+").map((part) => printed[part] ?? part.toUpperCase()));

/** Each combination once, the one in force; drawn from the registry, so it cannot be out of date. */
function byGroup(list: readonly Shortcut[]): [string, Shortcut[]][] {
  const groups = new Map<string, Map<string, Shortcut>>();
  for (const shortcut of list) {
    const group = groups.get(shortcut.group) ?? new Map<string, Shortcut>();
    group.set(shortcut.keys, shortcut);
    groups.set(shortcut.group, group);
  }
  return [...groups].map(([group, inGroup]) => [group, [...inGroup.values()]]);
}

export default function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const list = useStore(shortcuts);
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="md" aria-labelledby="shortcut-sheet">
      <DialogTitle id="shortcut-sheet">{t.shell.shortcuts}</DialogTitle>
      <DialogContent>
        <div className={css.groups}>
          {byGroup(list).map(([group, inGroup]) => (
            <section key={group}>
              <h2>{group}</h2>
              <ul className={css.list}>
                {inGroup.map((shortcut) => (
                  <li key={shortcut.keys}>
                    <span>{shortcut.label}</span>
                    <span className={css.keys}>
                      {pieces(shortcut.keys).map((piece) => (
                        <Kbd key={piece}>{piece}</Kbd>
                      ))}
                      <span className="visually-hidden">{shortcut.keys}</span>
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      </DialogContent>
    </Dialog>
  );
}
