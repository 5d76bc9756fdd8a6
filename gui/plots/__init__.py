"""The plots. They draw what they are given and compute nothing."""
