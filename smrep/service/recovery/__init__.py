"""Fail one secret over, and back."""
