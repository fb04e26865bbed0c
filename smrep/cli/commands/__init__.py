"""One file per command: its options, its help, and the call to its service."""
