"""What the colours of the points say: the split, the class or the value; and the legend for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from gui.frames import Prepared
from gui.plots.axes import DrawnRows
from gui.plots.card import POINT
from gui.plots.dots import SHAPES, Mark, Shape
from gui.theme import Theme

NAMES = {"train": "Training data", "validation": "Validation data", "test": "Test data"}
RING = "○"
SIGNS: dict[Shape, str] = {"disc": POINT, "square": "■", "triangle": "▲", "diamond": "◆"}
"""How the legend shows the shapes."""
VALUE_RANGE = (2, 98)
"""The colours go from one percentile of the values to the other: a few far away ones must not take them all."""
RANKED = 50_000
"""The percentiles are those of about so many of the values."""


@dataclass(frozen=True)
class Coloring:
    """How each drawn row looks: `mark_of` and `colors` [n] are places in `marks` and `palette`."""

    marks: tuple[Mark, ...]
    mark_of: NDArray[np.uint8]
    palette: tuple[str, ...]
    colors: NDArray[np.uint8]
    legend: tuple[tuple[str, str, str], ...]
    """(sign, colour, name) each."""


def by_split(rows: DrawnRows, theme: Theme) -> Coloring:
    """Train blue, test green."""
    palette = tuple(theme.splits[split] for split in rows.splits)
    sizes = [9 if split == "test" else 7 for split in rows.splits]
    marks = tuple(Mark(color, size) for color, size in zip(palette, sizes, strict=True))
    places = rows.split_of
    legend = [(POINT, theme.splits[split], _name(rows, split)) for split in rows.splits]
    return Coloring(marks, places, palette, places, tuple(legend))


def by_target(rows: DrawnRows, theme: Theme, prepared: Prepared) -> Coloring:
    """By class or by value; the rows that are not for training have an outline."""
    if prepared.task == "classification":
        numbers = class_numbers(prepared)
        styles = np.array([style_of(number) for number in numbers], np.uint8)[rows.targets.astype(np.int64)]
        plain = [class_mark(style, theme) for style in range(max(map(style_of, numbers), default=0) + 1)]
        names = [(class_mark(number, theme), name) for number, name in zip(numbers, prepared.classes, strict=True)]
        entries = [(SIGNS[mark.shape], mark.color, name) for mark, name in names]
        palette, colors = theme.classes, styles % np.uint8(len(theme.classes))
    else:
        palette = theme.values
        styles, low, high = _steps(rows.targets, len(palette))
        colors = styles
        plain = [Mark(color) for color in palette]
        texts = [f"{low:.4g}", *[""] * (len(palette) - 2), f"{high:.4g}"]
        entries = [(POINT, color, text) for color, text in zip(palette, texts, strict=True)]
    lines = {"validation": theme.muted, "test": theme.text}
    marks = [
        Mark(mark.color, 8, mark.shape, lines[split]) if split in lines else mark
        for split in rows.splits
        for mark in plain
    ]
    entries += [(RING, lines[split], _name(rows, split)) for split in rows.splits if split in lines]
    mark_of = styles + rows.split_of * np.uint8(len(plain))
    return Coloring(tuple(marks), mark_of, tuple(palette), colors, tuple(entries))


def style_of(number: int) -> int:
    """Which of the looks a class has: the colours come round with another shape, and all of them after 32 classes."""
    return number % (8 * len(SHAPES))


def class_mark(number: int, theme: Theme) -> Mark:
    """How a point of a class looks."""
    style = style_of(number)
    return Mark(theme.classes[style % 8], 7, SHAPES[style // 8])


def class_numbers(prepared: Prepared) -> tuple[int, ...]:
    """By which number each class is coloured: a painted one by its own, also where there is none before it."""
    painted = isinstance(prepared.experiment.data.source, ex.Painted)
    return tuple(
        int(name) if painted and name.isdecimal() else index for index, name in enumerate(prepared.classes)
    )


def _name(rows: DrawnRows, split: str) -> str:
    n_drawn, n_rows = rows.how_many(split)
    return NAMES[split] + (f" ({n_drawn:,} of {n_rows:,})" if n_drawn < n_rows else "")


def _steps(values: NDArray[np.number], n: int) -> tuple[NDArray[np.uint8], float, float]:
    """Which of n equal steps each value falls into, with the ends of the range that they divide."""
    numbers = values.astype(np.float32, copy=False)
    some = numbers[:: max(1, len(numbers) // RANKED)]
    finite = some[np.isfinite(some)]
    low, high = (float(end) for end in np.percentile(finite, VALUE_RANGE)) if len(finite) else (0.0, 1.0)
    steps = (numbers - low) * (n / max(high - low, 1e-30))
    return np.clip(np.nan_to_num(steps), 0, n - 1).astype(np.uint8), low, high
