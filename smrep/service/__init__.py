"""The use cases: values moved between the ports, by the rules, with snapshots on the way."""
