"""Renders a report for a terminal, a pipe or a file."""
