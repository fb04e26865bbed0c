"""Decisions of failover, failback and the drill."""
