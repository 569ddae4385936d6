import TextField from "@mui/material/TextField";
import { useState } from "react";

import { api, body } from "@/api/client";
import { FormDialog } from "@/components/FormDialog";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

export default function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = async () => {
    await body(api.POST("/api/auth/password", { body: { current_password: current, new_password: next } }));
    toast(t.shell.passwordChanged);
  };
  return (
    <FormDialog
      title={t.shell.changePassword}
      submit={t.common.save}
      disabled={!current || !next}
      onSubmit={change}
      onClose={onClose}
    >
      <TextField
        type="password"
        label={t.shell.currentPassword}
        autoComplete="current-password"
        value={current}
        onChange={(event) => setCurrent(event.target.value)}
      />
      <TextField
        type="password"
        label={t.shell.newPassword}
        autoComplete="new-password"
        value={next}
        onChange={(event) => setNext(event.target.value)}
      />
    </FormDialog>
  );
}
