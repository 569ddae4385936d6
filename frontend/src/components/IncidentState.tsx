import { CircleCheck, CircleDashed, CircleDot, Moon, TriangleAlert } from "lucide-react";

import type { AlertStatus, Incident } from "@/api/types";
import { serverNow } from "@/lib/now";
import { t } from "@/lib/strings";

import { Pill, type Tone } from "./Pill";

type Shown = Pick<Incident, "status" | "acknowledged_at" | "snoozed_until" | "merged_into">;

function stateOf(incident: Shown, now: number): { tone: Tone; icon: React.ReactNode; word: string } {
  if (incident.status === "resolved") return { tone: "ok", icon: <CircleCheck />, word: t.status.resolved };
  if (incident.snoozed_until && Date.parse(incident.snoozed_until) > now) {
    return { tone: "plain", icon: <Moon />, word: t.status.snoozed };
  }
  if (incident.status === "escalated")
    return { tone: "high", icon: <TriangleAlert />, word: t.status.escalated };
  if (incident.acknowledged_at)
    return { tone: "acknowledged", icon: <CircleDot />, word: t.status.acknowledged };
  if (incident.status === "in_progress")
    return { tone: "low", icon: <CircleDot />, word: t.status.in_progress };
  return { tone: "accent", icon: <CircleDashed />, word: t.status.new };
}

/** Where an incident stands, in one word. */
export function IncidentState({ incident, label }: { incident: Shown; label?: string | undefined }) {
  const { tone, icon, word } = stateOf(incident, serverNow());
  return (
    <Pill tone={tone} icon={icon}>
      {label ?? word}
    </Pill>
  );
}

const alertTones: Record<AlertStatus, Tone> = {
  active: "accent",
  acknowledged: "acknowledged",
  resolved: "ok",
};

export function AlertState({ status }: { status: AlertStatus }) {
  return <Pill tone={alertTones[status]}>{t.status[status]}</Pill>;
}
