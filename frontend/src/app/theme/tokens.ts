/** Every colour of the product, once. Text tokens hold at least 4.5:1 on bg, surface, raised and on their own 14 % tint. */
export interface Tokens {
  bg: string;
  surface: string;
  raised: string;
  text: string;
  muted: string;
  hairline: string;
  outline: string;
  accent: string;
  onAccent: string;
  critical: string;
  high: string;
  medium: string;
  low: string;
  info: string;
  ok: string;
  acknowledged: string;
  solidCritical: string;
  onSolidCritical: string;
  solidHigh: string;
  solidMedium: string;
  solidLow: string;
  onSolid: string;
}

export type Scheme = "dark" | "light";

export const tokens: Record<Scheme, Tokens> = {
  dark: {
    bg: "#0B0F14",
    surface: "#121821",
    raised: "#1A222D",
    text: "#E6EBF2",
    muted: "#A3AFBF",
    hairline: "#2A3442",
    outline: "#66758A",
    accent: "#7AA2FF",
    onAccent: "#0B0F14",
    critical: "#FF8B85",
    high: "#FFB066",
    medium: "#F2D45C",
    low: "#86C5FF",
    info: "#B3BECC",
    ok: "#6FE0A0",
    acknowledged: "#C9A8FF",
    solidCritical: "#D93A33",
    onSolidCritical: "#FFFFFF",
    solidHigh: "#F08A24",
    solidMedium: "#E5C22F",
    solidLow: "#4EA3F1",
    onSolid: "#0B0F14",
  },
  light: {
    bg: "#F6F7F9",
    surface: "#FFFFFF",
    raised: "#EEF1F5",
    text: "#121821",
    muted: "#4E5A6B",
    hairline: "#DCE1E8",
    outline: "#7F8A9B",
    accent: "#2450C8",
    onAccent: "#FFFFFF",
    critical: "#B3201B",
    high: "#934400",
    medium: "#6F5600",
    low: "#0A5AA8",
    info: "#4E5A6B",
    ok: "#12692F",
    acknowledged: "#6B2FB3",
    solidCritical: "#C4231D",
    onSolidCritical: "#FFFFFF",
    solidHigh: "#A84F00",
    solidMedium: "#7D6100",
    solidLow: "#0B63B8",
    onSolid: "#FFFFFF",
  },
};

/** `onSolidCritical` → `--on-solid-critical`: the name under which stylesheets know a token. */
export function variableName(token: string): string {
  return `--${token.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The tokens of one scheme as custom properties. */
export function variables(scheme: Scheme): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tokens[scheme]).map(([name, value]) => [variableName(name), value as string]),
  );
}
