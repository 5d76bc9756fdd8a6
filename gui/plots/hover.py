"""What a plot says of the row under the mouse."""

from __future__ import annotations

import html
import math

import numpy as np

from gui.frames import Prepared
from gui.plots.coloring import NAMES

MOST_FEATURES = 12
"""A tool tip that is taller than the plot helps no one."""


def row_text(prepared: Prepared, split: str, row: int, prediction: np.generic | None) -> str:
    """The row as a small table, safe to be shown as HTML: names come from files."""
    points = prepared.points[split]
    lines = [(name, number(value)) for name, value in zip(prepared.features, points.X[row], strict=False)]
    more = len(lines) - MOST_FEATURES
    if more > 0:
        lines = [*lines[:MOST_FEATURES], ("…", f"{more} more")]
    lines.append((prepared.target, said(prepared, points.y[row])))
    if prediction is not None:
        wrong = prepared.task == "classification" and int(prediction) != int(points.y[row])
        lines.append(("predicted", said(prepared, prediction) + (" (wrong)" if wrong else "")))
    cells = "".join(
        f"<tr><td>{html.escape(name)}&nbsp;&nbsp;</td><td align='right'>{html.escape(value)}</td></tr>"
        for name, value in lines
    )
    return f"<b>{NAMES[split]}, row {row:,}</b><table>{cells}</table>"


def said(prepared: Prepared, value: np.generic) -> str:
    """A value of the target: a number, or the name of a class."""
    if prepared.task == "classification":
        place = int(value)
        return prepared.classes[place] if 0 <= place < len(prepared.classes) else str(place)
    return number(value)


def number(value: np.generic | float) -> str:
    """With as many digits as float32 has."""
    return f"{float(value):.7g}" if math.isfinite(float(value)) else str(float(value))
