import { render, renderHook } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { keyName, shortcuts, useKeyboard, useShortcuts } from "./keyboard";
import { preferences } from "./preferences";

const start = preferences.get();

describe("the keyboard registry", () => {
  const acknowledge = vi.fn();
  const goIncidents = vi.fn();
  const palette = vi.fn();
  const peek = vi.fn();

  const list = [
    { keys: "a", label: "Acknowledge", group: "Incidents", run: acknowledge },
    { keys: "g i", label: "Incidents", group: "Go to", run: goIncidents },
    { keys: "mod+k", label: "Palette", group: "General", run: palette },
    { keys: "space", label: "Peek", group: "Incidents", run: peek },
  ];

  beforeEach(() => {
    for (const spy of [acknowledge, goIncidents, palette, peek]) spy.mockClear();
    renderHook(() => {
      useKeyboard();
      useShortcuts(list);
    });
  });

  afterEach(() => preferences.set(start));

  it("runs a single letter", async () => {
    await userEvent.keyboard("a");
    expect(acknowledge).toHaveBeenCalledOnce();
  });

  it("runs a letter after g, and only in that order", async () => {
    await userEvent.keyboard("gi");
    expect(goIncidents).toHaveBeenCalledOnce();
    await userEvent.keyboard("ig");
    expect(goIncidents).toHaveBeenCalledOnce();
  });

  it("leaves letters to the field that is typed in, but not the palette", async () => {
    const { getByRole } = render(<input aria-label="Filter" />);
    await userEvent.type(getByRole("textbox"), "a g i");
    expect(acknowledge).not.toHaveBeenCalled();
    await userEvent.keyboard("{Control>}k{/Control}");
    expect(palette).toHaveBeenCalledOnce();
  });

  it("is silent while a dialog is open", async () => {
    render(<div role="dialog" aria-label="Resolve" />);
    await userEvent.keyboard("a");
    expect(acknowledge).not.toHaveBeenCalled();
  });

  it("leaves Space to a button that has the focus", async () => {
    const pressed = vi.fn();
    const { getByRole } = render(<button onClick={pressed}>Press</button>);
    getByRole("button").focus();
    await userEvent.keyboard(" ");
    expect(pressed).toHaveBeenCalledOnce();
    expect(peek).not.toHaveBeenCalled();
  });

  it("can have its single letters turned off, and keeps the others", async () => {
    preferences.set({ ...start, singleKeys: false });
    await userEvent.keyboard("a{Control>}k{/Control}");
    expect(acknowledge).not.toHaveBeenCalled();
    expect(palette).toHaveBeenCalledOnce();
  });

  it("lists what is in force, and forgets it with its page", () => {
    const labels = () => shortcuts.get().map((shortcut) => shortcut.label);
    const page = renderHook(() =>
      useShortcuts([{ keys: "z", label: "Snooze", group: "Incident", run: peek }]),
    );
    expect(labels()).toContain("Snooze");
    page.unmount();
    expect(labels()).not.toContain("Snooze");
  });

  it("names keys as the registry writes them", () => {
    expect(keyName(new KeyboardEvent("keydown", { key: "X", shiftKey: true }))).toBe("shift+x");
    expect(keyName(new KeyboardEvent("keydown", { key: "?", shiftKey: true }))).toBe("?");
    expect(keyName(new KeyboardEvent("keydown", { key: " " }))).toBe("space");
    expect(keyName(new KeyboardEvent("keydown", { key: "k", metaKey: true }))).toBe("mod+k");
  });
});
