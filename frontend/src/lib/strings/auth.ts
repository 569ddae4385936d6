export const auth = {
  product: "Alert Whisperer",
  title: "Sign in",
  lead: "Alerts from every client, made into the few incidents that need you.",
  email: "Email",
  password: "Password",
  submit: "Sign in",
  submitting: "Signing in…",
  wrong: "That email and password do not match.",
  firstTime: "First start? The server printed the first password once, where it was started.",
  ended: "Your session has ended",
  endedLead: "Sign in again to go on. What you typed is still here.",
};
