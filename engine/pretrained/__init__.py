"""Step 2: weights that were learned elsewhere: which file, what of it matches, and what model it belongs to."""
