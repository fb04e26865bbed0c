"""One file per command: its options, its help, and the call of its service."""
