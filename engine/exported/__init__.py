"""Step 2: a program of torch.export (.pt2), read as data and run operation by operation; nothing in it is unpickled."""
