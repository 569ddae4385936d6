"""The engines: what keeps documents, the log and secrets, behind the ports."""
