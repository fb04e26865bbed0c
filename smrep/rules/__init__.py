"""What should happen: pure and total functions over the model; bad news is the return value."""
