"""Decisions about one secret and its replicas."""
