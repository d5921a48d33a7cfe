"""The engine: virtual users, the wire, metrics, the command line. Never imports the operator."""
