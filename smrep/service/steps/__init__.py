"""What the use cases of one secret share."""
