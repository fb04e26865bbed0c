"""Replicate AWS Secrets Manager secrets to other Regions and tell the truth about it."""

__version__ = "0.1.0"
