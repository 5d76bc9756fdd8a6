"""A table of unknown origin: how it is written, what its columns hold, what is odd, its rows, its script."""
