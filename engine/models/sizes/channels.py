"""Layers that treat each channel as one: normalisation and Dropout of channels; and what they take in common."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.row import Instead, MisfitError, Row, Sized, before, name, picture, removed, said, unflatten

BatchNorm = part.BatchNorm1d | part.BatchNorm2d
InstanceNorm = part.InstanceNorm1d | part.InstanceNorm2d
LINES: dict[type[ex.Layer], type[ex.Layer]] = {
    part.Conv1d: part.Conv2d,
    part.ConvTranspose1d: part.ConvTranspose2d,
    part.MaxPool1d: part.MaxPool2d,
    part.AvgPool1d: part.AvgPool2d,
    part.AdaptiveAvgPool1d: part.AdaptiveAvgPool2d,
    part.AdaptiveMaxPool1d: part.AdaptiveMaxPool2d,
    part.BatchNorm1d: part.BatchNorm2d,
    part.InstanceNorm1d: part.InstanceNorm2d,
    part.Dropout1d: part.Dropout2d,
}
"""The layer for [channels, length] and its sister for [channels, height, width]."""
PICTURES = {picture: line for line, picture in LINES.items()}


def batch_norm(layer: BatchNorm, row: Row) -> Sized:
    """The shape stays; a factor and an offset for each channel. BatchNorm1d takes a row of numbers too."""
    if not (isinstance(layer, part.BatchNorm1d) and len(row.shape) == 1):
        check_rank(layer, row)
    arguments = {"num_features": row.shape[0], **part.options(layer)}
    return Sized(arguments, row.shape, 2 * row.shape[0] if layer.affine else 0)


def instance_norm(layer: InstanceNorm, row: Row) -> Sized:
    """The shape stays. One value has no deviation: torch refuses a channel that has only one."""
    check_rank(layer, row)
    if all(length == 1 for length in row.shape[1:]):
        raise MisfitError(
            f"{name(layer)} needs more than one value in each channel, here comes {list(row.shape)}",
            removed(),
        )
    arguments = {"num_features": row.shape[0], **part.options(layer)}
    return Sized(arguments, row.shape, 2 * row.shape[0] if layer.affine else 0)


def group_norm(layer: part.GroupNorm, row: Row) -> Sized:
    """The shape stays; the first axis of a row is the channels."""
    n_channels = row.shape[0]
    if n_channels % layer.num_groups:
        fitting = nearest_divisor(n_channels, layer.num_groups)
        raise MisfitError(
            f"{n_channels:,} channels cannot be divided into {layer.num_groups:,} groups",
            Instead(f"Set the groups to {fitting:,}", (ex.replace(layer, num_groups=fitting),)),
        )
    options = part.options(layer)
    arguments = {"num_groups": options.pop("num_groups"), "num_channels": n_channels, **options}
    return Sized(arguments, row.shape, 2 * n_channels if layer.affine else 0)


def layer_norm(layer: part.LayerNorm, row: Row) -> Sized:
    """The shape stays: over the last axis, of a picture over all of them."""
    shape = row.shape if len(row.shape) > 2 else row.shape[-1:]
    arguments = {"normalized_shape": shape if len(shape) > 1 else shape[0], **part.options(layer)}
    return Sized(arguments, row.shape, prod(shape) * (1 + layer.bias) if layer.elementwise_affine else 0)


def dropout_of_channels(layer: part.Dropout1d | part.Dropout2d, row: Row) -> Sized:
    """The shape stays."""
    check_rank(layer, row)
    return Sized(part.options(layer), row.shape)


def check_rank(layer: ex.Layer, row: Row) -> None:
    """Raise MisfitError unless a row is what the layer takes: [channels, length], or a picture for ...2d.

    With one axis less torch would take the whole batch for a single row.
    """
    wanted = 3 if type(layer) in PICTURES else 2
    if len(row.shape) == wanted:
        return
    takes = "pictures [channels, height, width]" if wanted == 3 else "[channels, length]"
    raise MisfitError(
        f"{name(layer)} takes {takes}, here comes {said(row)}",
        *_instead(layer, row, wanted),
    )


def _instead(layer: ex.Layer, row: Row, wanted: int) -> Iterator[Instead]:
    sister = (PICTURES if wanted == 3 else LINES)[type(layer)]
    match len(row.shape), wanted:
        case (2, 3) | (3, 2):
            yield Instead(f"Use {sister.__name__} instead", (_as(sister, layer),))
            if wanted == 3:
                yield before(layer, part.Unflatten(unflattened_size=(1, -1)), "Make it a picture with Unflatten")
        case 1, _:
            size = row.shape[0]
            sizes = (1, size) if wanted == 2 else picture(size)
            instead = [unflatten(layer, *sizes)] if sizes else []
            windows = not isinstance(layer, BatchNorm | InstanceNorm | part.Dropout1d | part.Dropout2d)
            yield from (*instead, _for_numbers(layer)) if windows else (_for_numbers(layer), *instead)


def _for_numbers(layer: ex.Layer) -> Instead:
    """What does for a row of numbers what the layer does for channels."""
    match layer:
        case part.Conv1d() | part.Conv2d() | part.ConvTranspose1d() | part.ConvTranspose2d():
            return Instead("Use Linear instead", (part.Linear(out_features=layer.out_channels),))
        case part.BatchNorm2d():
            return Instead("Use BatchNorm1d instead", (_as(part.BatchNorm1d, layer),))
        case part.InstanceNorm1d() | part.InstanceNorm2d():
            return Instead("Use LayerNorm instead", (part.LayerNorm(),))
        case part.Dropout1d() | part.Dropout2d():
            return Instead("Use Dropout instead", (part.Dropout(p=layer.p),))
        case _:
            return removed()


def _as(kind: type[ex.Layer], layer: ex.Layer) -> ex.Layer:
    """The options that both have, of tuples the first number."""
    both = (field for field in kind.__struct_fields__ if field in layer.__struct_fields__)
    values = {field: getattr(layer, field) for field in both}
    options: dict[str, Any] = {key: value[:1] if isinstance(value, tuple) else value for key, value in values.items()}
    return kind(**options)


def nearest_divisor(number: int, wish: int) -> int:
    """The divisor of `number` that is nearest to `wish`; of two the smaller one."""
    divisors = [divisor for divisor in range(1, min(number, 2 * wish) + 1) if number % divisor == 0]
    return min(divisors, key=lambda divisor: abs(divisor - wish))
