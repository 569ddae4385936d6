import { describe, expect, it } from "vitest";

import { tokens, variables, type Scheme, type Tokens } from "./tokens";

type Rgb = [number, number, number];

const rgb = (hex: string): Rgb => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;

/** Relative luminance, WCAG 2.2 "relative luminance". */
function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const tint = (colour: Rgb, under: Rgb, share: number): Rgb =>
  colour.map((part, index) => part * share + (under[index] ?? 0) * (1 - share)) as Rgb;

const grounds = ["bg", "surface", "raised"] as const;
const texts = [
  "text",
  "muted",
  "accent",
  "critical",
  "high",
  "medium",
  "low",
  "info",
  "ok",
  "acknowledged",
] as const satisfies readonly (keyof Tokens)[];

describe.each(["dark", "light"] as const satisfies readonly Scheme[])("the %s scheme", (scheme) => {
  const set = tokens[scheme];
  const of = (name: keyof Tokens) => rgb(set[name]);

  it.each(texts)("shows %s at 4.5:1 or more on every ground", (name) => {
    for (const ground of grounds) expect(contrast(of(name), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(texts)("shows %s at 4.5:1 or more on its own 14 %% tint", (name) => {
    for (const ground of ["bg", "surface"] as const) {
      expect(contrast(of(name), tint(of(name), of(ground), 0.14))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("outlines controls at 3:1 or more", () => {
    for (const ground of grounds) expect(contrast(of("outline"), of(ground))).toBeGreaterThanOrEqual(3);
  });

  it("keeps the words on solid badges and buttons readable", () => {
    expect(contrast(of("onAccent"), of("accent"))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of("onSolidCritical"), of("solidCritical"))).toBeGreaterThanOrEqual(4.5);
    for (const solid of ["solidHigh", "solidMedium", "solidLow"] as const) {
      expect(contrast(of("onSolid"), of(solid))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("names its variables in the way of stylesheets", () => {
    expect(variables(scheme)["--on-solid-critical"]).toBe(set.onSolidCritical);
  });
});
