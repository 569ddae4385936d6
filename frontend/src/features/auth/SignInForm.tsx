import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, ApiError, body } from "@/api/client";
import { keys } from "@/api/keys";
import { t } from "@/lib/strings";

import css from "./SignIn.module.css";

function textIn(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

/** Email and password for a session cookie; the token in the answer is for programs and is not kept. */
export default function SignInForm({ onDone, email: known = "" }: { onDone: () => void; email?: string }) {
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  // Read from the form itself: password managers fill fields without telling anybody.
  const signIn = async (event: React.SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [email, password] = [textIn(form, "email"), textIn(form, "password")];
    setBusy(true);
    setError(null);
    try {
      await body(api.POST("/api/auth/login", { body: { email, password, cookie: true } }));
      await cache.invalidateQueries({ queryKey: keys.me });
      onDone();
    } catch (failure) {
      const refused = failure instanceof ApiError && failure.status === 401;
      setError(refused ? t.auth.wrong : failure instanceof Error ? failure.message : t.common.unreachable);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={signIn} className={css.form}>
      <TextField
        label={t.auth.email}
        type="email"
        name="email"
        autoComplete="username"
        defaultValue={known}
        slotProps={{ htmlInput: { required: true } }}
      />
      <TextField
        label={t.auth.password}
        type="password"
        name="password"
        autoComplete="current-password"
        slotProps={{ htmlInput: { required: true } }}
      />
      {error && (
        <p role="alert" className={css.error}>
          {error}
        </p>
      )}
      <Button type="submit" variant="contained" size="medium" disabled={busy}>
        {busy ? t.auth.submitting : t.auth.submit}
      </Button>
    </form>
  );
}
