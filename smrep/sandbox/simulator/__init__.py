"""The simulated AWS: no network, and time is passed in."""
