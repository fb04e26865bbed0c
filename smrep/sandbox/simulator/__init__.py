"""The simulated AWS, without a network or a clock of its own."""
