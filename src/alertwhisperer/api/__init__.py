"""The edge: HTTP and sockets in, the engine behind."""
