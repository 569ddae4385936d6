const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** What is shown where there is no number. Never 0 for "unknown". */
export const NONE = "—";

export const count = (value: number | null | undefined): string =>
  value == null ? NONE : whole.format(value);

/** Up to 9,999 in full, then "12.3K". */
export const brief = (value: number | null | undefined): string =>
  value == null ? NONE : value < 10_000 ? whole.format(value) : short.format(value);

export const percentage = (value: number | null | undefined): string =>
  value == null ? NONE : `${percent.format(value)} %`;

const rules = new Intl.PluralRules("en");

/** `plural(3, "alert", "alerts")` → "3 alerts". */
export const plural = (n: number, one: string, many: string): string =>
  `${whole.format(n)} ${rules.select(n) === "one" ? one : many}`;

/** The tail of a time-ordered id: unlike its head, it differs between neighbours. */
export const shortId = (prefix: string, id: string): string => `${prefix}-${id.slice(-6).toUpperCase()}`;
