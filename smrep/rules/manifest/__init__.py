"""The manifest: its rules, its text, its mistakes."""
