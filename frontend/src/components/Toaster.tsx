import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import { X } from "lucide-react";

import { useStore } from "@/lib/store";
import { t } from "@/lib/strings";
import { dismiss, toasts } from "@/lib/toasts";

import css from "./Toaster.module.css";

/** Messages at the foot of the page; each verb's Undo lives here for eight seconds. */
export function Toaster() {
  const list = useStore(toasts);
  return (
    <div className={css.stack} role="status" aria-live="polite">
      {list.map((toast) => (
        <div
          key={toast.id}
          className={`${css.toast ?? ""} ${toast.tone === "error" ? (css.error ?? "") : ""}`}
        >
          <div className={css.text}>
            <span>{toast.text}</span>
            {toast.detail && <span className="muted">{toast.detail}</span>}
          </div>
          {toast.undo && (
            <Button
              onClick={() => {
                dismiss(toast.id);
                toast.undo?.();
              }}
            >
              {t.common.undo}
            </Button>
          )}
          <IconButton aria-label={t.common.close} onClick={() => dismiss(toast.id)}>
            <X size={16} />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
