"""The table over all rows of the data."""
