import type { ReactNode } from "react";

import css from "./DataTable.module.css";

export interface TableColumn<T> {
  key: string;
  title: ReactNode;
  cell: (row: T) => ReactNode;
  align?: "right";
  /** Heads the card that a row becomes on a phone. */
  lead?: boolean;
  /** Accessible name where the title shows nothing. */
  label?: string;
}

/** A calm table for what does not stream. On phones each row is a card whose cells carry their headings. */
export function DataTable<T>(props: {
  label: string;
  rows: readonly T[];
  columns: readonly TableColumn<T>[];
  rowKey: (row: T) => string;
  rowTestId?: string;
  foot?: ReactNode;
}) {
  return (
    // A region that scrolls sideways has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.scroller} tabIndex={0} role="region" aria-label={props.label}>
      <table className={css.table}>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.key} scope="col" className={column.align === "right" ? css.right : undefined}>
                {column.title}
                {column.label && <span className="visually-hidden">{column.label}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)} data-testid={props.rowTestId}>
              {props.columns.map((column) => (
                <td
                  key={column.key}
                  data-label={typeof column.title === "string" ? column.title : ""}
                  data-lead={column.lead}
                  className={column.align === "right" ? css.right : undefined}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {props.foot}
      </table>
    </div>
  );
}
