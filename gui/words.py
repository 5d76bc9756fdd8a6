"""What the values of an experiment's choices are called on the screen, where their own names say too little."""

from __future__ import annotations

import re

VALUES: dict[object, str] = {
    ",": "comma  ,", ";": "semicolon  ;", "\t": "tab", "|": "bar  |", " ": "space", '"': 'double  "', "'": "single  '",
    "word": "words", "character": "characters", "backbone": "those of a backbone",
    "utf8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16": "UTF-16",
}  # fmt: skip

PARTS = {
    "augmentation": "Augmentation",
    "batches": "Batches",
    "computing": "Computing",
    "format": "How the file is written",
    "gradients": "Gradients and penalties",
    "stopping": "Early stopping and limits",
}
"""Titles of the parts that a form folds away."""


def shown(value: object) -> str:
    """The words for one value of a choice."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return VALUES.get(value, str(value))


def none_in(help_text: str) -> str:
    """What no value means, where a field's help says so: "Shortens it to this; empty: never." gives "never"."""
    found = re.search(r"\bempty[^:]*: (.+?)\.?$", help_text, re.IGNORECASE)
    return found[1] if found else "none"


def unit(suffix: str, number: float) -> str:
    """The unit behind a number: of one, " steps" becomes " step"."""
    if number != 1 or len(suffix.strip()) < 2:
        return suffix
    return suffix.removesuffix("es") if suffix.endswith("ches") else suffix.removesuffix("s")
