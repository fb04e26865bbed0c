"""Pure and total decision functions over the model; they return bad news instead of raising it."""
