"""Step 2: a model that the person writes. It is only ever run in a child process, and once its text is trusted."""
