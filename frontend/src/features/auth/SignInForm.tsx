import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, ApiError, body } from "@/api/client";
import { keys } from "@/api/keys";
import { t } from "@/lib/strings";

import css from "./SignIn.module.css";

/** Email and password for a session cookie; the token in the answer is for programs and is not kept. */
export default function SignInForm({ onDone, email: known = "" }: { onDone: () => void; email?: string }) {
  const cache = useQueryClient();
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const signIn = async (event: React.SyntheticEvent) => {
    event.preventDefault();
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
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <TextField
        label={t.auth.password}
        type="password"
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      {error && (
        <p role="alert" className={css.error}>
          {error}
        </p>
      )}
      <Button type="submit" variant="contained" size="medium" disabled={busy || !email || !password}>
        {busy ? t.auth.submitting : t.auth.submit}
      </Button>
    </form>
  );
}
