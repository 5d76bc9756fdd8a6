"""Step 3: what one training is made of: a step, an epoch of all rows or of batches, the schedule, when to stop."""
