import Button from "@mui/material/Button";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowUp } from "lucide-react";
import { memo, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { isFresh } from "@/live/fresh";
import { usePhone } from "@/lib/media";
import { preferences } from "@/lib/preferences";
import { useScrollMemory } from "@/lib/scrollMemory";
import { useStorePart } from "@/lib/store";
import { t } from "@/lib/strings";

import css from "./RowGrid.module.css";
import { useRowCursor, type RowCursor } from "./useRowCursor";
import { useSteadyOrder } from "./useSteadyOrder";

export interface Column<T> {
  key: string;
  title: string;
  /** A CSS grid track: "110px", "minmax(0, 1fr)". */
  width: string;
  cell: (row: T) => ReactNode;
  align?: "right";
  /** Left out on phones, where a row is a card of two lines. */
  wideOnly?: boolean;
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowTestId: string;
  nameOf: (row: T) => string;
  onOpen: (row: T) => void;
  onPeek: (row: T | null) => void;
  hasMore: boolean;
  onMore: () => void;
  /** Leaves out the columns that only a wide list has room for. */
  narrow?: boolean;
  /** Drawn above the rows while some are selected or one is under the cursor. */
  actions?: (cursor: RowCursor<T>) => ReactNode;
}

const HEAD_PX = 31;

interface RowProps<T> {
  row: T;
  index: number;
  top: number;
  height: number;
  template: string;
  columns: readonly Column<T>[];
  active: boolean;
  selected: boolean;
  testId: string;
  name: string;
  onToggle: (id: string) => void;
}

function PlainRow<T extends { id: string }>(props: RowProps<T>) {
  const [fresh] = useState(() => isFresh(props.row.id));
  const classes = [css.row, props.active && css.active, props.selected && css.selected, fresh && css.fresh];
  return (
    <div
      role="row"
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      data-testid={props.testId}
      data-active={props.active || undefined}
      className={classes.filter(Boolean).join(" ")}
      style={{
        transform: `translateY(${props.top}px)`,
        height: props.height,
        gridTemplateColumns: props.template,
      }}
    >
      <div role="gridcell" className={css.check}>
        <input
          type="checkbox"
          checked={props.selected}
          onChange={() => props.onToggle(props.row.id)}
          aria-label={`${t.common.select} ${props.name}`}
        />
      </div>
      {props.columns.map((column) => (
        <div
          key={column.key}
          role="gridcell"
          data-column={column.key}
          className={`${css.cell ?? ""} ${column.align === "right" ? (css.right ?? "") : ""} ${column.wideOnly ? (css.wideOnly ?? "") : ""}`}
        >
          {column.cell(props.row)}
        </div>
      ))}
    </div>
  );
}

// A row is drawn again only when its own document, place or state has changed, not at every flush of the list.
const Row = memo(PlainRow) as typeof PlainRow;

/** Thousands of live rows: virtual, steady under the pointer, worked by keyboard. */
export function RowGrid<T extends { id: string }>(props: Props<T>) {
  const { rows: live, onOpen, onPeek, hasMore, onMore } = props;
  const { narrow, columns: all } = props;
  const columns = useMemo(() => (narrow ? all.filter((column) => !column.wideOnly) : all), [narrow, all]);
  const scroller = useRef<HTMLDivElement>(null);
  const scroll = useScrollMemory(props.label);
  const phone = usePhone();
  const comfortable = useStorePart(preferences, (value) => value.density === "comfortable");
  const height = phone ? 64 : comfortable ? 40 : 32;
  const steady = useSteadyOrder(live);
  const { rows } = steady;

  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not in use; the virtualizer is read here only
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: useCallback(() => height, [height]),
    overscan: 12,
    initialRect: { width: 1000, height: 640 },
    initialOffset: scroll.initial.top,
    // The rows stand below the head, which stays in sight.
    scrollPaddingEnd: phone ? 0 : HEAD_PX,
  });
  // Known sizes outlive a change of density or width; they have to be taken anew.
  useEffect(() => virtual.measure(), [virtual, height]);
  const cursor = useRowCursor(rows, {
    open: onOpen,
    peek: onPeek,
    peeking: narrow ?? false,
    startsAt: scroll.initial.activeId,
    first: () => Math.ceil((scroller.current?.scrollTop ?? 0) / height),
    moved: (index) => {
      steady.hold();
      virtual.scrollToIndex(index);
    },
  });
  const { activeId } = cursor;
  const { remember } = scroll;
  useEffect(() => remember({ activeId }), [remember, activeId]);
  const toTop = () => {
    steady.release();
    cursor.clear();
    scroller.current?.scrollTo({ top: 0 });
  };
  const scrolled = () => {
    const box = scroller.current;
    if (!box) return;
    scroll.remember({ top: box.scrollTop });
    if (box.scrollTop > height) steady.hold();
    else if (cursor.activeId === null) steady.release();
    if (hasMore && box.scrollHeight - box.scrollTop - box.clientHeight < 400) {
      steady.release();
      onMore();
    }
  };
  const moved = (event: React.PointerEvent) => {
    if (event.pointerType === "mouse" && (event.movementX !== 0 || event.movementY !== 0))
      steady.pointerMoved();
  };

  const template = `34px ${columns.map((column) => column.width).join(" ")}`;
  const every = rows.length > 0 && cursor.selected.size >= rows.length;
  return (
    <div className={css.frame}>
      {props.actions && cursor.targets.length > 0 && props.actions(cursor)}
      {steady.waiting > 0 && (
        <div className={css.pill}>
          <Button variant="contained" startIcon={<ArrowUp size={14} />} onClick={toTop}>
            {t.common.newRows(steady.waiting)}
          </Button>
        </div>
      )}
      <div
        ref={scroller}
        className={css.scroller}
        role="grid"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        aria-multiselectable="true"
        tabIndex={0}
        onScroll={scrolled}
        onPointerMove={moved}
        onPointerLeave={() =>
          (scroller.current?.scrollTop ?? 0) <= height && cursor.activeId === null && steady.release()
        }
      >
        <div role="rowgroup" className={css.head}>
          <div role="row" aria-rowindex={1} className={css.headRow} style={{ gridTemplateColumns: template }}>
            <div role="columnheader" className={css.check}>
              <input
                type="checkbox"
                checked={every}
                ref={(box) => {
                  if (box) box.indeterminate = cursor.selected.size > 0 && !every;
                }}
                onChange={() => (every ? cursor.clear() : cursor.select(rows.map((row) => row.id)))}
                aria-label={t.common.selectAll}
              />
            </div>
            {columns.map((column) => (
              <div
                key={column.key}
                role="columnheader"
                className={`${css.cell ?? ""} ${column.align === "right" ? (css.right ?? "") : ""}`}
              >
                {column.title}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return row ? (
              <Row
                key={row.id}
                row={row}
                index={item.index}
                top={item.start}
                height={height}
                template={template}
                columns={columns}
                active={row.id === cursor.activeId}
                selected={cursor.selected.has(row.id)}
                testId={props.rowTestId}
                name={props.nameOf(row)}
                onToggle={cursor.toggle}
              />
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}
