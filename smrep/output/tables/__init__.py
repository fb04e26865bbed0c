"""Tables for people, drawn by rich."""
