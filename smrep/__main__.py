"""`python -m smrep`."""
