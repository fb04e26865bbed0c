"""Use cases: call AWS through the ports, apply the rules, and report along the way."""
