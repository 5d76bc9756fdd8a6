"""Linear, activations, and what changes the shape alone."""

from __future__ import annotations

from math import prod

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.row import Instead, MisfitError, Row, Sized, name, numbers, said

MOST_SLOPES = 65_536
"""More of them `part.PReLU` does not take."""
Axes = part.GLU | part.Softmax | part.Softmin | part.LogSoftmax


def linear(layer: part.Linear, row: Row) -> Sized:
    """[..., in_features] to [..., out_features]."""
    n_in, n_out = row.shape[-1], layer.out_features or row.last
    if not n_out:
        usual = max(8, min(64, n_in))
        raise MisfitError(
            "This Linear does not say how many numbers it gives, and only the last one can leave that to the task",
            Instead(f"Set it to {usual}", (ex.replace(layer, out_features=usual),)),
        )
    arguments = {"in_features": n_in, **part.options(layer), "out_features": n_out}
    return Sized(arguments, (*row.shape[:-1], n_out), (n_in + layer.bias) * n_out)


def flatten(layer: part.Flatten, row: Row) -> Sized:
    """The axes from start_dim to end_dim become one; axis 0 is the rows."""
    count = len(row.shape)
    first, last = layer.start_dim, layer.end_dim + (count + 1 if layer.end_dim < 0 else 0)
    if not 1 <= first <= last <= count:
        raise MisfitError(
            f"What comes in has {_axes(count)}, Flatten is told to join {layer.start_dim} to {layer.end_dim}",
            Instead("Join all axes", (part.Flatten(),)),
        )
    shape = row.shape
    return Sized(part.options(layer), (*shape[: first - 1], prod(shape[first - 1 : last]), *shape[last:]))


def unflatten(layer: part.Unflatten, row: Row) -> Sized:
    """One axis becomes several; one of them may be -1, for what is left."""
    axis = _axis(layer.dim, row)
    if axis is None:
        raise MisfitError(
            f"What comes in has {_axes(len(row.shape))}, Unflatten is told to divide axis {layer.dim}",
            Instead("Divide axis 1", (ex.replace(layer, dim=1),)),
        )
    length, sizes = row.shape[axis], layer.unflattened_size
    known = prod(size for size in sizes if size != -1)
    if length % known or (-1 not in sizes and length != known):
        fixed = () if -1 in sizes else sizes[:-1]
        raise MisfitError(
            f"{numbers(length)} cannot be divided into {' x '.join(map(str, sizes))}",
            Instead("Let the last size follow", (ex.replace(layer, unflattened_size=(*fixed, -1)),)),
            Instead(f"Divide into 1 x {length:,}", (ex.replace(layer, unflattened_size=(1, -1)),)),
        )
    new = tuple(length // known if size == -1 else size for size in sizes)
    return Sized(part.options(layer), (*row.shape[:axis], *new, *row.shape[axis + 1 :]))


def unchanged(layer: ex.Layer, row: Row) -> Sized:
    """Each number by itself: any shape stays what it is."""
    return Sized(part.options(layer), row.shape)


def prelu(layer: part.PReLU, row: Row) -> Sized:
    """One slope, or one for each channel: the first axis of a row."""
    n = row.shape[0]
    if layer.num_parameters not in (1, n):
        raise MisfitError(
            f"This PReLU has {layer.num_parameters:,} slopes, what comes in has {n:,} channels",
            Instead("Take one slope for all", (ex.replace(layer, num_parameters=1),)),
            *([Instead(f"Take {n:,} slopes", (ex.replace(layer, num_parameters=n),))] if n <= MOST_SLOPES else []),
        )
    return Sized(part.options(layer), row.shape, layer.num_parameters)


def along(layer: Axes, row: Row) -> Sized:
    """Softmax and its like: the shape stays."""
    _own_axis(layer, row)
    return Sized(part.options(layer), row.shape)


def glu(layer: part.GLU, row: Row) -> Sized:
    """The chosen axis is halved."""
    axis = _own_axis(layer, row)
    length = row.shape[axis]
    if length % 2:
        raise MisfitError(
            f"GLU halves what comes in, and {length:,} is odd",
            Instead("Use SiLU instead", (part.SiLU(),)),
            multiple_of=2 if axis == len(row.shape) - 1 else 0,
        )
    return Sized(part.options(layer), (*row.shape[:axis], length // 2, *row.shape[axis + 1 :]))


def softmax2d(layer: part.Softmax2d, row: Row) -> Sized:
    """[channels, height, width] stays."""
    if len(row.shape) != 3:
        raise MisfitError(
            f"Softmax2d takes pictures [channels, height, width], here comes {said(row)}",
            Instead("Use Softmax instead", (part.Softmax(),)),
        )
    return Sized(part.options(layer), row.shape)


def _own_axis(layer: Axes, row: Row) -> int:
    axis = _axis(layer.dim, row)
    if axis is None:
        why = "the rows of a batch" if layer.dim in (0, -len(row.shape) - 1) else "an axis that is not there"
        raise MisfitError(
            f"{name(layer)} along axis {layer.dim} would work along {why}",
            Instead("Set the axis to -1", (ex.replace(layer, dim=-1),)),
        )
    return axis


def _axis(dim: int, row: Row) -> int | None:
    """The place in the row's shape of torch's axis `dim`, where 0 is the rows of the batch; None: not in a row."""
    count = len(row.shape)
    place = dim - 1 if dim >= 0 else dim + count
    return place if 0 <= place < count else None


def _axes(count: int) -> str:
    return "one axis" if count == 1 else f"{count} axes"
