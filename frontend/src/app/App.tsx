import GlobalStyles from "@mui/material/GlobalStyles";
import { ThemeProvider } from "@mui/material/styles";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { RouterProvider } from "react-router/dom";

import { ApiError } from "@/api/client";
import { Toaster } from "@/components/Toaster";
import { preferences } from "@/lib/preferences";
import { useStorePart } from "@/lib/store";

import { router } from "./routes";
import { theme } from "./theme/theme";
import { variables } from "./theme/tokens";

/** What the server said it would not do stays so; only a server that was not reached, or that failed, is asked again. */
const worthAnotherTry = (failures: number, error: unknown): boolean =>
  failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502);

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      retry: worthAnotherTry,
      refetchOnWindowFocus: false,
      staleTime: 15_000,
      // It would compare thousands of rows field by field at each flush; the patches keep what did not change as it is.
      structuralSharing: false,
    },
  },
});

const tokenSheet = {
  ':root, :root[data-theme="light"]': variables("light"),
  ':root[data-theme="dark"]': variables("dark"),
};

export function App() {
  const density = useStorePart(preferences, (value) => value.density);
  useEffect(() => {
    document.documentElement.dataset.density = density;
  }, [density]);
  return (
    <ThemeProvider theme={theme} defaultMode="system" modeStorageKey="aw-theme" disableTransitionOnChange>
      <GlobalStyles styles={tokenSheet} />
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
        <Toaster />
      </QueryClientProvider>
    </ThemeProvider>
  );
}
