import type { Frame } from "@/api/frames";
import type { Incident } from "@/api/types";
import { preferences } from "@/lib/preferences";
import { createStore } from "@/lib/store";
import { t } from "@/lib/strings";

const GATHER_MS = 2000;
const SINGLY = 3;

/** How many incidents opened while nobody looked; shown in the title of the tab. */
export const unseen = createStore(0);
let gathered: Incident[] = [];

export const noticesPossible = (): boolean => "Notification" in window && window.isSecureContext;

/** Asks the person for permission; call it from a click only. Resolves to whether notices will show. */
export async function askForNotices(): Promise<boolean> {
  return noticesPossible() && (await Notification.requestPermission()) === "granted";
}

function show(title: string, body: string, tag: string): void {
  const notice = new Notification(title, { body, tag });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}

function announce(): void {
  const incidents = gathered;
  gathered = [];
  if (incidents.length > SINGLY) {
    show(t.live.manyIncidents(incidents.length), incidents[0]?.title ?? "", "incidents");
    return;
  }
  for (const incident of incidents) show(t.severity[incident.severity], incident.title, incident.id);
}

/** Looks at frames as they arrive, since a hidden tab flushes late. */
export function attend(frames: readonly Frame[]): void {
  if (!document.hidden) return;
  const opened = frames.filter((frame) => frame.type === "incident_created").map((frame) => frame.data);
  if (opened.length === 0) return;
  unseen.set((n) => n + opened.length);
  if (!preferences.get().desktopNotices || !noticesPossible() || Notification.permission !== "granted")
    return;
  if (gathered.length === 0) setTimeout(announce, GATHER_MS);
  gathered.push(...opened);
}
