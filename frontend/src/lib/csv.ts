export type Value = string | number | boolean | null | undefined;
export type CsvColumn<T> = readonly [title: string, value: (row: T) => Value];

/** Spreadsheets run what begins so as a formula (OWASP, "CSV Injection"); an apostrophe makes it text. */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** One field (RFC 4180). Numbers of ours stay numbers; texts, which anybody may have sent, never become formulas. */
export function csvField(value: Value): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (values: readonly Value[]): string => `${values.map(csvField).join(",")}\r\n`;

/** The first line, behind the mark by which spreadsheets know UTF-8. */
export const csvHead = <T>(columns: readonly CsvColumn<T>[]): string =>
  `\uFEFF${line(columns.map(([title]) => title))}`;

export const csvRows = <T>(columns: readonly CsvColumn<T>[], rows: readonly T[]): string =>
  rows.map((row) => line(columns.map(([, value]) => value(row)))).join("");

/** Hands a text to the browser as a file. */
export function saveFile(name: string, parts: string[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
