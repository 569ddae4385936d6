import { createTheme } from "@mui/material/styles";

import { tokens, type Scheme } from "./tokens";

const palette = (scheme: Scheme) => {
  const set = tokens[scheme];
  return {
    primary: { main: set.accent, contrastText: set.onAccent },
    error: { main: set.critical, contrastText: set.bg },
    warning: { main: set.high, contrastText: set.bg },
    success: { main: set.ok, contrastText: set.bg },
    info: { main: set.low, contrastText: set.bg },
    background: { default: set.bg, paper: set.surface },
    text: { primary: set.text, secondary: set.muted, disabled: set.muted },
    divider: set.hairline,
  };
};

const outline = { outline: "2px solid var(--accent)", outlineOffset: 2 };

/** MUI's half of the design: overlays, fields and buttons. Rows and cards are our own stylesheets on the same tokens. */
export const theme = createTheme({
  cssVariables: { cssVarPrefix: "mui", colorSchemeSelector: "data-theme" },
  colorSchemes: { dark: { palette: palette("dark") }, light: { palette: palette("light") } },
  shape: { borderRadius: 6 },
  spacing: 4,
  typography: {
    fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif',
    fontSize: 13,
    htmlFontSize: 14,
    button: { textTransform: "none", fontWeight: 550 },
  },
  transitions: {
    duration: {
      shortest: 100,
      shorter: 120,
      short: 150,
      standard: 150,
      complex: 150,
      enteringScreen: 150,
      leavingScreen: 120,
    },
  },
  components: {
    MuiButtonBase: {
      defaultProps: { disableRipple: true },
      styleOverrides: { root: { "&.Mui-focusVisible": outline } },
    },
    MuiButton: {
      defaultProps: { size: "small", disableElevation: true, variant: "outlined" },
      styleOverrides: {
        root: {
          minHeight: 30,
          fontSize: 13,
          lineHeight: 1.4,
          whiteSpace: "nowrap",
          "@media (max-width: 600px)": { minHeight: 44 },
        },
        // The library sizes icons by their font; keys and icons of ours bring their own size.
        startIcon: { "& > *:nth-of-type(1)": { fontSize: "inherit" } },
        endIcon: { "& > *:nth-of-type(1)": { fontSize: 11 } },
        outlined: {
          borderColor: "var(--outline)",
          color: "var(--text)",
          background: "var(--raised)",
          "&:hover": { borderColor: "var(--accent)", background: "var(--raised)" },
          "&.Mui-disabled": { borderColor: "var(--hairline)", color: "var(--muted)" },
        },
      },
    },
    MuiToggleButton: {
      styleOverrides: {
        root: {
          height: 30,
          padding: "0 10px",
          fontSize: 13,
          color: "var(--muted)",
          borderColor: "var(--outline)",
          "&.Mui-selected, &.Mui-selected:hover": {
            color: "var(--text)",
            background: "color-mix(in srgb, var(--accent) 20%, var(--surface))",
          },
          "@media (max-width: 600px)": { height: 44 },
        },
      },
    },
    MuiIconButton: {
      defaultProps: { size: "small" },
      styleOverrides: {
        root: {
          color: "var(--muted)",
          borderRadius: 6,
          minWidth: 28,
          minHeight: 28,
          "@media (max-width: 600px)": { minWidth: 44, minHeight: 44 },
        },
      },
    },
    MuiTextField: { defaultProps: { size: "small", fullWidth: true } },
    MuiOutlinedInput: {
      styleOverrides: {
        root: { fontSize: 13, background: "var(--surface)" },
        notchedOutline: { borderColor: "var(--outline)" },
      },
    },
    MuiInputLabel: { styleOverrides: { root: { fontSize: 13 } } },
    MuiFormHelperText: { styleOverrides: { root: { fontSize: 12, marginLeft: 0, color: "var(--muted)" } } },
    MuiPaper: { styleOverrides: { root: { backgroundImage: "none" } } },
    MuiDialog: {
      styleOverrides: {
        paper: { border: "1px solid var(--hairline)", "@media (max-width: 600px)": { margin: 12 } },
      },
    },
    MuiDialogTitle: { styleOverrides: { root: { fontSize: 15, fontWeight: 650, padding: "14px 18px 8px" } } },
    MuiDialogContent: { styleOverrides: { root: { padding: "4px 18px 12px" } } },
    MuiDialogActions: { styleOverrides: { root: { padding: "8px 18px 14px", gap: 4 } } },
    MuiMenuItem: {
      styleOverrides: {
        root: { fontSize: 13, minHeight: 32, "@media (max-width: 600px)": { minHeight: 44 } },
      },
    },
    MuiPopover: { styleOverrides: { paper: { border: "1px solid var(--hairline)" } } },
    MuiTooltip: {
      defaultProps: { enterDelay: 400, arrow: false, describeChild: true },
      styleOverrides: {
        tooltip: {
          fontSize: 12,
          background: "var(--text)",
          color: "var(--bg)",
          maxWidth: 420,
        },
      },
    },
    MuiCheckbox: {
      defaultProps: { size: "small" },
      styleOverrides: { root: { padding: 4, color: "var(--outline)" } },
    },
    MuiFormControlLabel: { styleOverrides: { label: { fontSize: 13 } } },
    MuiTab: { styleOverrides: { root: { minHeight: 36, padding: "6px 12px", fontSize: 13 } } },
    MuiTabs: { styleOverrides: { root: { minHeight: 36 } } },
  },
});
