"""From the report to what is on the screen, in the pipe or in the file."""
