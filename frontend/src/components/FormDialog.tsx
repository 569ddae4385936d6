import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useState, type ReactNode } from "react";

import { t } from "@/lib/strings";

import css from "./FormDialog.module.css";

interface Props {
  title: string;
  submit: string;
  /** Red, for what cannot be undone. */
  destructive?: boolean;
  disabled?: boolean;
  onSubmit: () => unknown;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog that asks for a few things and does one; what goes wrong is said inside it, with the fields still filled. */
export function FormDialog({
  title,
  submit,
  destructive = false,
  disabled = false,
  onSubmit,
  onClose,
  children,
}: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async (event: React.SyntheticEvent) => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setError(null);
    try {
      await onSubmit();
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : t.common.unreachable);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="xs" aria-labelledby="form-dialog-title">
      <form onSubmit={send} noValidate>
        <DialogTitle id="form-dialog-title">{title}</DialogTitle>
        <DialogContent>
          <div className={css.fields}>{children}</div>
          {error && (
            <p role="alert" className={css.error}>
              {error}
            </p>
          )}
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            variant="contained"
            color={destructive ? "error" : "primary"}
            disabled={disabled || busy}
          >
            {submit}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
