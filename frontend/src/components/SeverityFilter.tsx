import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { ListFilter } from "lucide-react";
import { useState } from "react";

import type { Severity } from "@/api/types";
import { t } from "@/lib/strings";

import { SeverityMark } from "./Severity";

export const severityOrder = [
  "critical",
  "high",
  "medium",
  "low",
  "info",
  "unknown",
] as const satisfies readonly Severity[];

/** Which severities a list shows; none chosen means all. */
export function SeverityFilter({
  chosen,
  onChange,
}: {
  chosen: readonly Severity[];
  onChange: (next: Severity[]) => void;
}) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const toggle = (severity: Severity) =>
    onChange(
      chosen.includes(severity) ? chosen.filter((other) => other !== severity) : [...chosen, severity],
    );
  return (
    <>
      <Button
        startIcon={<ListFilter size={14} />}
        onClick={(event) => setAnchor(event.currentTarget)}
        aria-haspopup="menu"
      >
        {t.common.severity}
        {chosen.length > 0 && ` (${chosen.length})`}
      </Button>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {severityOrder.map((severity) => (
          <MenuItem
            key={severity}
            dense
            role="menuitemcheckbox"
            aria-checked={chosen.includes(severity)}
            onClick={() => toggle(severity)}
          >
            <Checkbox
              checked={chosen.includes(severity)}
              tabIndex={-1}
              disableRipple
              slotProps={{ input: { "aria-hidden": true } }}
            />
            <SeverityMark severity={severity} />
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
