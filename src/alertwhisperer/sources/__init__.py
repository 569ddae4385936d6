"""What monitoring tools send, and what we make of it: one file a tool, payload → incoming alerts, pure."""
