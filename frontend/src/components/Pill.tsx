import type { ReactNode } from "react";

import css from "./Pill.module.css";

export type Tone = "plain" | "accent" | "critical" | "high" | "medium" | "low" | "ok" | "acknowledged";

/** A state in a word, outlined in its colour. */
export function Pill({
  tone = "plain",
  icon,
  children,
}: {
  tone?: Tone;
  icon?: ReactNode;
  children: ReactNode;
}) {
  return (
    <span className={`${css.pill ?? ""} ${css[tone] ?? ""}`}>
      {icon}
      {children}
    </span>
  );
}
