"""The manifest: its rules, its text, and its mistakes."""
