"""Parquet that stays on disk: looked at once, then read block by block by a process of its own."""
