"""How an experiment names a folder of the Hugging Face hub: by its path, or as a name that the cache may have."""

from __future__ import annotations

PATH_STARTS = ("/", "\\", ".")


def is_path(name: str) -> bool:
    """Whether it is a path, not a name on the hub: a path is written in full, or begins with a dot."""
    return name.startswith(PATH_STARTS) or name[1:2] == ":"
