import { useEffect, type ReactNode } from "react";

import { unseen } from "@/live/attention";
import { useStore } from "@/lib/store";
import { t } from "@/lib/strings";

import css from "./Page.module.css";

/** The frame of every page: its one h1, its actions, its title in the tab (with the count of what came unseen). */
export function Page(props: {
  title: string;
  heading?: ReactNode;
  actions?: ReactNode;
  /** Fills the height and lets a list scroll inside it. */
  fill?: boolean;
  children: ReactNode;
}) {
  const waiting = useStore(unseen);
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${props.title} · ${t.auth.product}`;
  }, [props.title, waiting]);
  return (
    <div className={`${css.page ?? ""} ${props.fill ? (css.fill ?? "") : ""}`}>
      <div className={css.head}>
        {props.heading ?? <h1>{props.title}</h1>}
        {props.actions && <div className={css.actions}>{props.actions}</div>}
      </div>
      {props.children}
    </div>
  );
}
