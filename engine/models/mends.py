"""Step 2: what one click could do about a layer that does not fit, or about what comes out at the end. Needs no torch.

Here is what may help; `flow` tries each and offers those that do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine import experiment as ex
from engine.models.sizes import Instead, Row, keeps_shape, needs_axes
from engine.models.sizes.row import numbers, said

MOST_MENDS = 3
"""More buttons than that are no help."""

Layers = tuple[ex.Layer, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a walk ends that does not come through, and why."""

    path: tuple[int, ...]
    """The layer that does not fit; empty where what comes out at the end does not."""
    sentence: str
    shape: tuple[int, ...]
    """What came to it."""
    instead: tuple[Instead, ...] = ()


def left(layers: Layers, path: tuple[int, ...]) -> int:
    """How many layers there are from the one at `path` on, those inside blocks counted; 0 for the end."""
    if not path:
        return 0
    first, *inside = path
    after = sum(_count(layer) for layer in layers[first + 1 :])
    layer = layers[first]
    if inside and isinstance(layer, ex.layers.Residual):
        return after + left(layer.layers, tuple(inside))
    return after + _count(layer)


def _count(layer: ex.Layer) -> int:
    return 1 + (sum(map(_count, layer.layers)) if isinstance(layer, ex.layers.Residual) else 0)


def candidates(model: ex.Sequential, stop: Stop, n_outputs: int) -> Iterator[tuple[str, ex.Sequential]]:
    """What may help, the best first: the words for the button and the whole model."""
    if not stop.path:
        yield from _at_the_end(model, stop.shape, n_outputs)
        return
    flatten = _flatten_before(model.layers, stop.path)
    if flatten and len(stop.shape) == 1:
        yield "Remove the Flatten before it", replaced(model, flatten, ())
    for instead in stop.instead:
        yield instead.label, replaced(model, stop.path, instead.layers)


def replaced(model: ex.Sequential, path: tuple[int, ...], instead: Layers) -> ex.Sequential:
    """The model with `instead` in place of the layer at `path`; the same layers as before stay frozen."""
    grown = len(instead) - 1 if len(path) == 1 and path[0] < model.frozen else 0
    return ex.replace(model, layers=_replaced(model.layers, path, instead), frozen=model.frozen + grown)


def _replaced(layers: Layers, path: tuple[int, ...], instead: Layers) -> Layers:
    first, *inside = path
    layer = layers[first]
    if inside and isinstance(layer, ex.layers.Residual):
        instead = (ex.replace(layer, layers=_replaced(layer.layers, tuple(inside), instead)),)
    return (*layers[:first], *instead, *layers[first + 1 :])


def _flatten_before(layers: Layers, path: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where a Flatten stands right before a layer that wants more axes; activations and the like between are passed."""
    first, *inside = path
    layer = layers[first]
    if inside and isinstance(layer, ex.layers.Residual):
        found = _flatten_before(layer.layers, tuple(inside))
        return (first, *found) if found else None
    if not needs_axes(layer):
        return None
    for index in range(first - 1, -1, -1):
        if isinstance(layers[index], ex.layers.Flatten):
            return (index,)
        if not keeps_shape(layers[index]):
            return None
    return None


def _at_the_end(model: ex.Sequential, shape: tuple[int, ...], n_outputs: int) -> Iterator[tuple[str, ex.Sequential]]:
    layers = model.layers
    linears = [index for index, layer in enumerate(layers) if isinstance(layer, ex.layers.Linear)]
    head = ex.layers.Linear()
    if linears:
        last = linears[-1]
        linear = layers[last]
        yield f"Set it to {n_outputs:,}", replaced(model, (last,), (ex.replace(linear, out_features=n_outputs),))
        following = ex.replace(linear, out_features=None)
        yield "Let it follow the task", replaced(model, (last,), (following,))
        for label, between in _narrowing(shape):
            yield f"{label} before the last Linear", replaced(model, (last,), (*between, following))
    if len(shape) == 1:
        yield "Add a Linear at the end", ex.replace(model, layers=(*layers, head))
    for label, between in _narrowing(shape):
        yield f"{label} and a Linear at the end", ex.replace(model, layers=(*layers, *between, head))


def _narrowing(shape: tuple[int, ...]) -> list[tuple[str, Layers]]:
    """What makes one row of numbers of a sequence or a picture."""
    if len(shape) < 2:
        return []
    flatten: tuple[str, Layers] = ("Put a Flatten", (ex.layers.Flatten(),))
    if len(shape) > 2:
        return [flatten]
    return [
        ("Take the last step", (ex.layers.LastStep(),)),
        ("Take the mean over time", (ex.layers.MeanOverTime(),)),
        flatten,
    ]


def end_sentence(layers: Layers, shape: tuple[int, ...], n_outputs: int) -> str:
    """Why what comes out is not what the task takes, and what to do."""
    gives = numbers(shape[0]) if len(shape) == 1 else said(Row(shape))
    sentence = f"This model gives {gives} for each row, the task takes {numbers(n_outputs)}"
    linear = any(isinstance(layer, ex.layers.Linear) for layer in layers)
    place = "before the last Linear" if linear else "and a Linear at the end"
    match len(shape):
        case 1 if isinstance(layers[-1], ex.layers.Linear):
            return f"{sentence}: set the last Linear to {n_outputs:,}."
        case 1:
            return f"{sentence}: add a Linear at the end."
        case 2:
            return f"{sentence}: put LastStep, MeanOverTime or Flatten {place}."
        case _:
            return f"{sentence}: put a Flatten {place}."
