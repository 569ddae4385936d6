import IconButton from "@mui/material/IconButton";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Severity } from "@/api/types";
import { t } from "@/lib/strings";

import css from "./ListFrame.module.css";
import { SeverityBadge } from "./Severity";

/** A list with what stands beside it: facets before, one row's details behind. */
export function ListFrame({ children }: { children: ReactNode }) {
  return <div className={css.split}>{children}</div>;
}

export function ListBox({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section className={css.list} aria-label={label}>
      {children}
    </section>
  );
}

/** One row's details, without leaving its list. */
export function Peek(props: {
  label: string;
  severity: Severity;
  state: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <aside className={css.peek} aria-label={props.label}>
      <div className={css.peekHead}>
        <SeverityBadge severity={props.severity} />
        {props.state}
        <IconButton aria-label={t.incidents.closePeek} onClick={props.onClose}>
          <X size={16} />
        </IconButton>
      </div>
      {props.children}
    </aside>
  );
}

/** What a click anywhere on a row does. */
export function RowButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={css.pick} onClick={onClick}>
      {children}
    </button>
  );
}

/** Where a click anywhere on a row leads. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className={css.link}>
      {children}
    </Link>
  );
}
