const KEY = "aw-last-view";

/** The scope and page that this browser showed last, for the next visit; the tab's own address always wins. */
export function rememberView(path: string): void {
  try {
    localStorage.setItem(KEY, path);
  } catch {
    // Denied storage: the next visit begins at the command centre.
  }
}

export function lastView(): string {
  try {
    return localStorage.getItem(KEY) ?? "/c/all/overview";
  } catch {
    return "/c/all/overview";
  }
}
