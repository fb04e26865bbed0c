"""Steps shared by the use cases."""
