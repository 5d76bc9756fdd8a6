"""What is drawn of a model: a box for what each layer gives, and the shortcuts of residual blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

from PySide6.QtCore import QRectF

from engine import experiment as ex
from engine.models.flow import LayerFlow
from engine.models.layer_list import Path
from gui.model_flow import ModelFlow

HEIGHT = 72
"""Pixels of the highest box."""
SAME_SHAPE = ("Activation", "Normalisation", "Dropout")
"""Groups whose layers change no shape: they are drawn small."""
COLOURS = {
    "Linear": 0, "Convolution": 1, "Pooling": 5, "Normalisation": 3, "Dropout": 3, "Recurrent": 2, "Attention": 2,
    "Embedding": 4, "Shape": 4,
}  # fmt: skip
"""Which of the theme's colours a group has; the others are muted."""
GROUP_OF = {kind: group for group, kinds in ex.layers.GROUPS.items() for kind in kinds}


@dataclass
class Box:
    """Something drawn, from left to right: the input, what a layer gives, or where a shortcut comes in again."""

    path: Path
    layer: ex.Layer | None
    flow: LayerFlow | None
    shape: tuple[int, ...] | None
    depth: int = 0
    name: str = ""
    """The word below it."""
    place: QRectF = field(default_factory=QRectF)
    column: QRectF = field(default_factory=QRectF)

    @property
    def group(self) -> str:
        """What kind of layer it is."""
        return "" if self.layer is None else GROUP_OF.get(type(self.layer), "")

    @property
    def is_sum(self) -> bool:
        """Whether it is where a residual block's shortcut comes in again."""
        return isinstance(self.layer, ex.layers.Residual)

    @property
    def is_small(self) -> bool:
        """Whether what it gives is as large as what came in, and drawn so before."""
        return self.is_sum or self.group in SAME_SHAPE

    @property
    def misfit(self) -> str:
        """Why the layer does not fit."""
        return self.flow.misfit if self.flow else ""


@dataclass(frozen=True)
class Shortcut:
    """A residual block's way around its layers: from one box to another."""

    start: int
    end: int
    depth: int


def boxes_of(shown: ModelFlow) -> tuple[list[Box], list[Shortcut]]:
    """What is drawn of a model. A block's own box, the sum, comes behind those inside it."""
    flows = {layer.path: layer for layer in shown.flow.layers} if shown.flow else {}
    boxes = [Box((), None, None, shown.inputs.shape if shown.flow else None, name="X")]
    shortcuts: list[Shortcut] = []

    def add(layers: tuple[ex.Layer, ...], above: Path) -> None:
        for place, layer in enumerate(layers):
            path = (*above, place)
            start = len(boxes) - 1
            if isinstance(layer, ex.layers.Residual):
                add(layer.layers, path)
                shortcuts.append(Shortcut(start, len(boxes), len(above)))
            flow = flows.get(path)
            name = "+" if isinstance(layer, ex.layers.Residual) else type(layer).__name__
            boxes.append(Box(path, layer, flow, flow.out_shape if flow else None, len(above), name))

    add(shown.model.layers, ())
    if shown.misfit and not any(box.misfit for box in boxes):  # what comes out is not what the task takes
        boxes.append(Box((), None, None, (shown.n_outputs,), name="y"))
    return boxes, shortcuts


def n_sheets(n_channels: int) -> int:
    """How many sheets stand for so many channels: 1 for one, 5 for many."""
    return min(1 + int(log2(n_channels)) // 2 + (n_channels > 1), 5) if n_channels > 1 else 1


def size_of(box: Box, largest: int, most: int) -> tuple[float, float]:
    """Width and height of a box: pictures as wide as they are, rows of numbers by the logarithm of how many."""
    if box.is_sum:
        return 16, 16
    if box.shape is None:
        return 22, 34
    if box.is_small:
        return 9, 30
    match box.shape:
        case (channels, _height, width):
            side = 12 + 42 * width / largest
            return side + 3 * (n_sheets(channels) - 1), side + 3 * (n_sheets(channels) - 1)
        case (length, size):
            return 14 + 26 * _part(length, most), 14 + 52 * _part(size, most)
        case _:
            size = box.shape[0] if box.shape else 1
            return 13, 12 + (HEIGHT - 14) * _part(size, most)


def _part(size: int, most: int) -> float:
    return log2(1 + size) / log2(1 + most)
