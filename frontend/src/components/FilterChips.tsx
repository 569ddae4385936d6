import Button from "@mui/material/Button";
import { X } from "lucide-react";

import { t } from "@/lib/strings";

import css from "./FilterChips.module.css";

export interface FilterChip {
  label: string;
  remove: () => void;
}

/** The filters in force, each removable. */
export function FilterChips({ chips, onClear }: { chips: readonly FilterChip[]; onClear: () => void }) {
  if (chips.length === 0) return null;
  return (
    <div className={css.chips}>
      {chips.map((chip) => (
        <button
          key={chip.label}
          type="button"
          className={css.chip}
          onClick={chip.remove}
          aria-label={`${t.common.remove} ${chip.label}`}
        >
          {chip.label}
          <X size={12} aria-hidden="true" />
        </button>
      ))}
      <Button variant="text" onClick={onClear}>
        {t.common.clearFilters}
      </Button>
    </div>
  );
}
