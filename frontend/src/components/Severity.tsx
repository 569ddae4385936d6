import type { Severity } from "@/api/types";
import { t } from "@/lib/strings";

import css from "./Severity.module.css";

const up = (x: number) => `M${x} 9.5 ${x + 5} 1 ${x + 10} 9.5Z`;

const shapes: Record<Severity, { path: string; width: number; hollow?: boolean }> = {
  critical: { path: `${up(0)}${up(9)}`, width: 19 },
  high: { path: up(0), width: 10 },
  medium: { path: "M5 0.5 9.5 5.25 5 10 0.5 5.25Z", width: 10 },
  low: { path: "M1 1.5h8L5 8.8Z", width: 10, hollow: true },
  info: { path: "M5 1.2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z", width: 10, hollow: true },
  unknown: { path: "M1.2 1.4h7.6v7.6H1.2Z", width: 10, hollow: true },
};

/** The shape alone; its word must stand beside it. */
export function SeverityShape({ severity }: { severity: Severity }) {
  const { path, width, hollow } = shapes[severity];
  return (
    <svg width={width} height="10.5" viewBox={`0 0 ${width} 10.5`} aria-hidden="true" className={css.shape}>
      <path
        d={path}
        {...(hollow ? { fill: "none", stroke: "currentColor", strokeWidth: 1.5 } : { fill: "currentColor" })}
      />
    </svg>
  );
}

/** Shape, word and colour together: colour alone fails for many eyes. */
export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <span className={`${css.mark ?? ""} ${css[severity] ?? ""}`}>
      <SeverityShape severity={severity} />
      <span>{t.severity[severity]}</span>
    </span>
  );
}

/** The loud form, for the head of one incident. */
export function SeverityBadge({ severity }: { severity: Severity }) {
  return (
    <span className={`${css.badge ?? ""} ${css[`solid-${severity}`] ?? ""}`}>
      <SeverityShape severity={severity} />
      {t.severity[severity]}
    </span>
  );
}
