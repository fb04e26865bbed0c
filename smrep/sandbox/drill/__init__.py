"""Secrets and measurements for the drill."""
