import InputAdornment from "@mui/material/InputAdornment";
import TextField from "@mui/material/TextField";
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { useShortcuts } from "@/lib/keyboard";
import { t } from "@/lib/strings";

const TYPING_MS = 250;

/** The text filter of a list; `/` jumps into it. It tells after a pause in typing. */
export function FilterField({
  value,
  label,
  onChange,
}: {
  value: string;
  label: string;
  onChange: (text: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  if (value !== seen) {
    setSeen(value);
    setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  useShortcuts([
    { keys: "/", label: t.shell.focusFilter, group: t.shell.general, run: () => input.current?.focus() },
  ]);
  return (
    <TextField
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      placeholder={label}
      sx={{ width: { xs: "100%", sm: 250 } }}
      slotProps={{
        htmlInput: { "aria-label": label, ref: input, type: "search" },
        input: {
          sx: { height: { xs: 44, sm: 30 } },
          startAdornment: (
            <InputAdornment position="start">
              <Search size={14} aria-hidden="true" />
            </InputAdornment>
          ),
        },
      }}
    />
  );
}
