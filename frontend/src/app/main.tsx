import "./theme/base.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";

const YOUNG_MS = 10_000;

// After an upgrade, a tab that stood open asks for parts of an app that is no more: it takes the new one. A page that
// has only just been loaded shows the failure instead, so that a broken server is not asked for ever.
window.addEventListener("vite:preloadError", (event) => {
  if (performance.now() < YOUNG_MS) return;
  event.preventDefault();
  window.location.reload();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
