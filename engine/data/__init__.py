"""Step 1: from a source of rows to tensors."""
