// Runs before the first paint, so that a chosen theme never flashes in the other one.
(function () {
  var mode = null;
  try {
    mode = localStorage.getItem("aw-theme");
  } catch {
    // Storage can be denied; the system's preference then decides.
  }
  var dark = mode === "dark" || (mode !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-theme", dark ? "dark" : "light");
})();
