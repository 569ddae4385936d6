"""Live: what a commit tells, to every open browser that may see it."""
