import Button from "@mui/material/Button";
import { Download } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import type { Page } from "@/api/client";
import { csvHead, csvRows, saveFile, type CsvColumn } from "@/lib/csv";
import { count } from "@/lib/format";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

type Pages<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;

/** Reads a list to its end, page by page; `onRows` hears how many rows there are so far. */
async function everyPage<T>(
  pages: Pages<T>,
  columns: readonly CsvColumn<T>[],
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<{ parts: string[]; rows: number }> {
  const parts = [csvHead(columns)];
  let rows = 0;
  let cursor: string | undefined;
  do {
    const read = await pages(cursor, signal);
    parts.push(csvRows(columns, read.rows));
    rows += read.rows.length;
    onRows(rows);
    cursor = read.next ?? undefined;
  } while (cursor !== undefined);
  return { parts, rows };
}

/** Saves all that the list's filters match, not just what has been scrolled to, as the person may see it. */
export function ExportButton<T>(props: { name: string; pages: Pages<T>; columns: readonly CsvColumn<T>[] }) {
  const [rows, setRows] = useState<number | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const start = async () => {
    const control = new AbortController();
    running.current = control;
    setRows(0);
    try {
      const whole = await everyPage(props.pages, props.columns, control.signal, setRows);
      const day = new Date(serverNow()).toISOString().slice(0, 10);
      saveFile(`${props.name}-${day}.csv`, whole.parts, "text/csv;charset=utf-8");
      toast(t.common.exported(whole.rows));
    } catch (error) {
      if (!control.signal.aborted)
        toast(t.common.notExported, {
          tone: "error",
          detail: error instanceof Error ? error.message : undefined,
        });
    } finally {
      setRows(null);
    }
  };
  if (rows === null)
    return (
      <Button startIcon={<Download size={14} />} title={t.common.exportHint} onClick={() => void start()}>
        {t.common.exportCsv}
      </Button>
    );
  return (
    <>
      <span className="muted" role="status">
        {t.common.exporting(count(rows))}
      </span>
      <Button onClick={() => running.current?.abort()}>{t.common.cancel}</Button>
    </>
  );
}
