"""Step 2: the modules that an experiment's model stands for."""
