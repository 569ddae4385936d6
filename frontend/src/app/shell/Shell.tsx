import { lazy, Suspense, useEffect, useState } from "react";
import { Navigate, Outlet, useLocation, useNavigate } from "react-router";

import { ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { Me } from "@/api/types";
import { Failure, Skeletons } from "@/components/states";
import { SessionEnded } from "@/features/auth/SessionEnded";
import { announcement } from "@/live/announcements";
import { retryLive, togglePause, useLiveFeed } from "@/live/useLiveFeed";
import { useKeyboard, useShortcuts } from "@/lib/keyboard";
import { rememberView } from "@/lib/lastView";
import { usePhone } from "@/lib/media";
import { prefer, preferences } from "@/lib/preferences";
import { useScope } from "@/lib/scope";
import { usePageScroll } from "@/lib/scrollMemory";
import { useStore } from "@/lib/store";
import { t } from "@/lib/strings";
import { undoLatest } from "@/lib/toasts";

import { navigationFor } from "./navigation";
import { BottomBar, Rail } from "./Rail";
import css from "./Shell.module.css";
import { TopBar } from "./TopBar";

const Palette = lazy(() => import("./Palette"));
const ShortcutSheet = lazy(() => import("./ShortcutSheet"));

type Overlay = "palette" | "shortcuts" | null;

function useGlobalShortcuts(open: (overlay: Overlay) => void, me: Me): void {
  const navigate = useNavigate();
  const scope = useScope();
  const { general } = t.shell;
  useShortcuts([
    { keys: "mod+k", label: t.shell.palette, group: general, run: () => open("palette") },
    { keys: "?", label: t.shell.shortcuts, group: general, run: () => open("shortcuts") },
    { keys: "u", label: t.shell.undoLast, group: general, run: undoLatest },
    { keys: "p", label: t.shell.pauseLive, group: general, run: togglePause },
    {
      keys: "[",
      label: t.shell.collapse,
      group: general,
      run: () => prefer({ railCollapsed: !preferences.get().railCollapsed }),
    },
    {
      keys: ".",
      label: t.shell.density,
      group: general,
      run: () => prefer({ density: preferences.get().density === "compact" ? "comfortable" : "compact" }),
    },
    ...navigationFor(me.verbs).flatMap((item) =>
      item.key
        ? [
            {
              keys: `g ${item.key}`,
              label: item.label,
              group: t.shell.navigate,
              run: () => void navigate(scope.path(item.path)),
            },
          ]
        : [],
    ),
  ]);
}

function SignedIn({ me }: { me: Me }) {
  const [overlay, setOverlay] = useState<Overlay>(null);
  const phone = usePhone();
  const { pane, onScroll } = usePageScroll();
  const spoken = useStore(announcement);
  const { pathname } = useLocation();
  useLiveFeed(me.live_transport);
  useKeyboard();
  useGlobalShortcuts(setOverlay, me);
  useEffect(() => rememberView(pathname), [pathname]);
  return (
    <div className={css.shell}>
      <a href="#content" className="skip-link">
        {t.shell.skip}
      </a>
      {!phone && <Rail me={me} />}
      <div className={css.column}>
        <TopBar me={me} onPalette={() => setOverlay("palette")} onShortcuts={() => setOverlay("shortcuts")} />
        <main ref={pane} id="content" className={css.main} tabIndex={-1} onScroll={onScroll}>
          <Outlet />
        </main>
        {phone && <BottomBar me={me} />}
      </div>
      <Suspense>
        {overlay === "palette" && (
          <Palette me={me} onClose={() => setOverlay(null)} onShortcuts={() => setOverlay("shortcuts")} />
        )}
        {overlay === "shortcuts" && <ShortcutSheet onClose={() => setOverlay(null)} />}
      </Suspense>
      <SessionEnded onRenewed={retryLive} />
      <div className="visually-hidden" aria-live="polite">
        {spoken}
      </div>
    </div>
  );
}

/** The frame around every page of a person who is signed in. */
export function Shell() {
  const session = useSession();
  const { pathname, search } = useLocation();
  if (session.data) return <SignedIn me={session.data} />;
  if (session.error instanceof ApiError && session.error.status === 401) {
    return <Navigate to="/sign-in" replace state={{ from: pathname + search }} />;
  }
  if (session.error)
    return <Failure what={t.auth.product} error={session.error} onRetry={() => void session.refetch()} />;
  return <Skeletons />;
}
