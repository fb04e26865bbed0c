"""One secret on its way over in a failover, and back."""
