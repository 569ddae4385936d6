import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { lazy, Suspense, useEffect, useState } from "react";

import { onSignedOut } from "@/api/client";
import { useSession } from "@/api/session";
import { t } from "@/lib/strings";

const SignInForm = lazy(() => import("./SignInForm"));

/** Asks for the password again over the page, so that a half-written note survives the end of a session. */
export function SessionEnded({ onRenewed }: { onRenewed: () => void }) {
  const { data: me } = useSession();
  const [open, setOpen] = useState(false);
  useEffect(() => onSignedOut(() => setOpen(true)), []);
  if (!open || !me) return null;
  return (
    <Dialog open fullWidth maxWidth="xs" aria-labelledby="session-ended">
      <DialogTitle id="session-ended">{t.auth.ended}</DialogTitle>
      <DialogContent>
        <p className="muted">{t.auth.endedLead}</p>
        <br />
        <Suspense>
          <SignInForm
            email={me.user.email}
            onDone={() => {
              setOpen(false);
              onRenewed();
            }}
          />
        </Suspense>
      </DialogContent>
    </Dialog>
  );
}
