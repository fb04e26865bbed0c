"""Decisions about many secrets."""
