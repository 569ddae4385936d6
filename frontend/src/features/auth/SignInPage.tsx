import { useEffect } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";

import { useSession } from "@/api/session";
import { Mark } from "@/components/Mark";
import { t } from "@/lib/strings";

import css from "./SignIn.module.css";
import SignInForm from "./SignInForm";

/** Where the person wanted to go before they were asked to sign in. */
function wanted(state: unknown): string {
  const from = typeof state === "object" && state !== null && "from" in state ? state.from : null;
  return typeof from === "string" ? from : "/";
}

export default function SignInPage() {
  const navigate = useNavigate();
  const target = wanted(useLocation().state);
  const { data: me } = useSession();
  useEffect(() => {
    document.title = `${t.auth.title} · ${t.auth.product}`;
  }, []);
  if (me) return <Navigate to={target} replace />;
  return (
    <main className={css.page}>
      <div className={css.box}>
        <div className={css.brand}>
          <Mark /> {t.auth.product}
        </div>
        <div className={css.card}>
          <div>
            <h1>{t.auth.title}</h1>
            <p className="muted">{t.auth.lead}</p>
          </div>
          <SignInForm onDone={() => void navigate(target, { replace: true })} />
        </div>
        <p className="muted">{t.auth.firstTime}</p>
      </div>
    </main>
  );
}
