"""What the use cases of many secrets share."""
