"""The classes that a script shows as they are: read as text from the module that the window runs."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

MODELS = Path(__file__).parent.parent / "models"


@cache
def class_lines(module: str) -> dict[str, list[str]]:
    """The lines of each class of engine/models/`module`.py, and two empty ones; nothing is imported."""
    text = (MODELS / f"{module}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return {node.name: [*lines[node.lineno - 1 : node.end_lineno], "", ""] for node in classes}
