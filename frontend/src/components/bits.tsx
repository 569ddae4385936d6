import Button from "@mui/material/Button";
import { Check, Copy } from "lucide-react";
import { useState, type ReactNode } from "react";

import { useNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { exactTime, millis, span, utcDay } from "@/lib/time";

import css from "./bits.module.css";

/** A key as it is printed beside what it does. */
export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className={css.kbd} aria-hidden="true">
      {children}
    </kbd>
  );
}

/** "23 min" since an instant, exact in both zones on hover; "—" when there is none. */
export function Ago({ at, long = false }: { at: string | null | undefined; long?: boolean }) {
  const now = useNow(5);
  const when = millis(at);
  if (when === null) return <span>{t.common.none}</span>;
  const age = span(now - when);
  return (
    // The browser's own tooltip: lists show hundreds of these.
    <time dateTime={at ?? undefined} title={exactTime(when)}>
      {long ? t.common.ago(age) : age}
    </time>
  );
}

/** The UTC day of an instant that is kept to the day; `hint` says on hover what is so dated. "—" when there is none. */
export function Day({ at, hint }: { at: string | null; hint: string }) {
  const when = millis(at);
  if (at === null || when === null) return <span>{t.common.none}</span>;
  return (
    <time dateTime={at.slice(0, 10)} title={hint}>
      {utcDay(when)}
    </time>
  );
}

/** A section with a heading; borders carry the structure, not shadows. */
export function Card(props: {
  title?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  testId?: string;
  flush?: boolean;
}) {
  return (
    <section
      className={`${css.card ?? ""} ${props.flush ? (css.flush ?? "") : ""}`}
      data-testid={props.testId}
    >
      {props.title !== undefined && (
        <div className={css.cardHead}>
          <h2>{props.title}</h2>
          {props.aside}
        </div>
      )}
      {props.children}
    </section>
  );
}

/** Copies a text and says so. */
export function CopyButton({ text, label = t.common.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <Button startIcon={copied ? <Check size={14} /> : <Copy size={14} />} onClick={copy}>
      {copied ? t.common.copied : label}
    </Button>
  );
}

/** A command to copy; wraps instead of hiding its tail. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className={css.code}>
      {/* A block that scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre aria-label={label} tabIndex={0}>
        {text}
      </pre>
      <CopyButton text={text} />
    </div>
  );
}

/** Label and value, in a definition list. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className={css.facts}>{children}</dl>;
}

/** A small line of counts; decorative, so its meaning must stand beside it in words. */
export function Sparkline({
  values,
  width = 72,
  height = 18,
}: {
  values: readonly number[];
  width?: number;
  height?: number;
}) {
  const top = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) =>
      `${(index * step).toFixed(1)},${(height - 1 - (value / top) * (height - 3)).toFixed(1)}`,
  );
  return (
    <svg width={width} height={height} aria-hidden="true" className={css.spark}>
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinejoin="round"
      />
    </svg>
  );
}
