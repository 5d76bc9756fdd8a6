"""Residual blocks: what comes in plus what the layers inside make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.channels import LINES, PICTURES
from engine.models.sizes.lengths import convolved
from engine.models.sizes.row import Instead, MisfitError, Row, Sized

WINDOWS = {*LINES, *PICTURES}
"""Layers for which the first axis is the channels."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The layer on the shortcut, which makes of what comes in the shape that comes out of the layers inside."""

    name: str
    """Linear, Conv1d or Conv2d."""
    arguments: dict[str, object]
    n_parameters: int

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"


def residual(layer: part.Residual, row: Row, inside: Row) -> Sized:
    """What comes in, `row`, plus what the layers inside gave, `inside`: both have one shape, or one is projected."""
    if inside.shape == row.shape:
        return Sized({}, row.shape)
    found = projection(row.shape, inside.shape, any(type(one) in WINDOWS for one in part.every(layer.layers)))
    if layer.project and found:
        return Sized({"projection": found}, inside.shape, found.n_parameters)
    keeping = Instead("Let the layers inside keep the shape", (_keeping(layer, row.shape),))
    projecting = [Instead("Project the shortcut", (ex.replace(layer, project=True),))] if found else []
    lost_edges = row.shape[1:] != inside.shape[1:] and not any(max(_stride(one)) > 1 for one in layer.layers)
    raise MisfitError(
        f"The layers in this block make {list(inside.shape)} of {list(row.shape)}, and the two cannot be added",
        *((keeping, *projecting) if lost_edges else (*projecting, keeping)),
        Instead("Take the shortcut away", layer.layers),
    )


def projection(come: tuple[int, ...], go: tuple[int, ...], windows: bool) -> Projection | None:
    """The layer on a shortcut from `come` to `go`; None: there is none.

    Where windows slide inside, a convolution with a kernel of 1 and a stride (He et al. 2015, "Deep Residual Learning
    for Image Recognition", option B); else a Linear for the last axis.
    """
    if len(come) != len(go):
        return None
    if not windows:
        n_in, n_out = come[-1], go[-1]
        linear = Projection("Linear", {"in_features": n_in, "out_features": n_out}, (n_in + 1) * n_out)
        return linear if come[:-1] == go[:-1] else None
    strides = tuple((length - 1) // new + 1 for length, new in zip(come[1:], go[1:], strict=True))
    if len(come) not in (2, 3) or tuple(map(convolved, come[1:], (1, 1), strides)) != go[1:]:
        return None
    arguments: dict[str, object] = {"in_channels": come[0], "out_channels": go[0], "kernel_size": 1}
    if max(strides) > 1:
        arguments["stride"] = strides[0] if len(set(strides)) == 1 else strides
    return Projection(f"Conv{len(come) - 1}d", arguments, (come[0] + 1) * go[0])


def _keeping(layer: part.Residual, shape: tuple[int, ...]) -> part.Residual:
    """The block with convolutions that pad, its last layer with weights gives the numbers that come in."""
    layers = [
        ex.replace(one, padding="same", stride=(1,)) if isinstance(one, part.Conv1d | part.Conv2d) else one
        for one in layer.layers
    ]
    for index in range(len(layers) - 1, -1, -1):
        match layers[index]:
            case part.Linear() as last:
                layers[index] = ex.replace(last, out_features=shape[-1])
                break
            case part.Conv1d() | part.Conv2d() as last:
                layers[index] = ex.replace(last, out_channels=shape[0])
                break
            case part.RNN() | part.GRU() as last:
                layers[index] = ex.replace(last, hidden_size=shape[-1], bidirectional=False)
                break
            case part.LSTM() as last:
                layers[index] = ex.replace(last, hidden_size=shape[-1], bidirectional=False, proj_size=0)
                break
    return ex.replace(layer, layers=tuple(layers))


def _stride(layer: ex.Layer) -> tuple[int, ...]:
    """How far its window moves at a time; (1,) where it has none."""
    found: Any = getattr(layer, "stride", None) or getattr(layer, "kernel_size", (1,))
    return tuple(found)
