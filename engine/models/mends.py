"""Step 2: what one click could do about a layer that does not fit, or about what comes out at the end. Needs no torch.

Here is what may help; `flow` tries each and offers those that do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes import Instead, keeps_shape, needs_axes

Layers = tuple[ex.Layer, ...]
Candidates = Iterator[tuple[str, ex.Sequential]]
SQUASHING = part.Softmax | part.LogSoftmax | part.Softmin | part.Sigmoid | part.LogSigmoid | part.Tanh | part.Identity
"""What may well stand behind the last Linear."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a walk ends that does not come through, and why."""

    path: tuple[int, ...]
    """The layer that does not fit; empty where what comes out at the end does not."""
    why: str
    shape: tuple[int, ...]
    """What came to it."""
    left: int = 0
    """How many layers are left, this one counted."""
    instead: tuple[Instead, ...] = ()
    remedy: str = ""
    multiple_of: int = 0
    n_tokens: int = 0
    unfrozen: int | None = None
    """So many of the first layers can be frozen at most."""


def left(layers: Layers, path: tuple[int, ...]) -> int:
    """How many layers there are from the one at `path` on, those inside blocks counted.

    A place after the last layer of a block stands for the block's own sum: only the block itself is left of it.
    """
    first, *inside = path
    if first == len(layers):
        return 0
    after = sum(map(_count, layers[first + 1 :]))
    layer = layers[first]
    if inside and isinstance(layer, part.Residual):
        return after + 1 + left(layer.layers, tuple(inside))
    return after + _count(layer)


def _count(layer: ex.Layer) -> int:
    return 1 + (sum(map(_count, layer.layers)) if isinstance(layer, part.Residual) else 0)


def candidates(model: ex.Sequential, stop: Stop, n_outputs: int) -> Candidates:
    """What may help, the best first: the words for the button and the whole model."""
    if not stop.path:
        return _at_the_end(model, stop, n_outputs)
    return _at_a_layer(model, stop)


def replaced(model: ex.Sequential, path: tuple[int, ...], instead: Layers) -> ex.Sequential:
    """The model with `instead` in place of the layer at `path`; the same layers as before stay frozen."""
    grown = len(instead) - 1 if len(path) == 1 and path[0] < model.frozen else 0
    return ex.replace(model, layers=_replaced(model.layers, path, instead), frozen=model.frozen + grown)


def _replaced(layers: Layers, path: tuple[int, ...], instead: Layers) -> Layers:
    first, *inside = path
    layer = layers[first]
    if inside and isinstance(layer, part.Residual):
        instead = (ex.replace(layer, layers=_replaced(layer.layers, tuple(inside), instead)),)
    return (*layers[:first], *instead, *layers[first + 1 :])


def _at_a_layer(model: ex.Sequential, stop: Stop) -> Candidates:
    place = _passing_up(model.layers, stop.path)
    giver = _at(model.layers, place) if place else None
    if place and isinstance(giver, part.Flatten) and len(stop.shape) == 1 and needs_axes(_at(model.layers, stop.path)):
        yield "Remove the Flatten before it", replaced(model, place, ())
    if place and giver and stop.multiple_of:
        size = -(-stop.shape[-1] // stop.multiple_of) * stop.multiple_of
        for giving in _giving(giver, size):
            yield f"Let the {type(giver).__name__} before it give {size:,}", replaced(model, place, (giving,))
    for instead in stop.instead:
        yield instead.label, replaced(model, stop.path, instead.layers)


def _giving(layer: ex.Layer, size: int) -> Layers:
    """The layer with another number of outputs, if that is an option of it."""
    match layer:
        case part.Linear():
            return (ex.replace(layer, out_features=size),)
        case part.Embedding():
            return (ex.replace(layer, embedding_dim=size),)
        case _:
            return ()


def _at(layers: Layers, path: tuple[int, ...]) -> ex.Layer:
    layer = layers[path[0]]
    return _at(layer.layers, path[1:]) if len(path) > 1 and isinstance(layer, part.Residual) else layer


def _passing_up(layers: Layers, path: tuple[int, ...]) -> tuple[int, ...] | None:
    """The layer that gave what comes to the one at `path`: activations and the like before it are passed."""
    first, *inside = path
    layer = layers[first]
    if inside and isinstance(layer, part.Residual):
        found = _passing_up(layer.layers, tuple(inside))
        if found:
            return (first, *found)
    before = (index for index in range(first - 1, -1, -1) if not _keeps(layers[index]))
    index = next(before, None)
    return None if index is None else (index,)


def _keeps(layer: ex.Layer) -> bool:
    return keeps_shape(layer) or isinstance(layer, part.PositionalEmbedding | part.LayerNorm)


def _at_the_end(model: ex.Sequential, stop: Stop, n_outputs: int) -> Candidates:
    if stop.unfrozen is not None:
        words = f"Freeze the first {stop.unfrozen} only" if stop.unfrozen else "Freeze none"
        yield words, ex.replace(model, frozen=stop.unfrozen)
        return
    last = model.layers[-1] if model.layers else None
    adding = list(_added(model, stop, n_outputs))
    changing = list(_changed(model, stop.shape, n_outputs))
    yield from (*changing, *adding) if isinstance(last, part.Linear | SQUASHING) else (*adding, *changing)


def _changed(model: ex.Sequential, shape: tuple[int, ...], n_outputs: int) -> Candidates:
    """Another last Linear, or something before it that makes one row of numbers."""
    linears = [index for index, layer in enumerate(model.layers) if isinstance(layer, part.Linear)]
    if not linears:
        return
    first, last = linears[0], linears[-1]
    yield f"Set the last Linear to {n_outputs:,}", _with_last(model, last, n_outputs)
    following = _with_last(model, last, None)
    yield "Let it follow the task", following
    if len(shape) > 2 and first < last:
        flat = part.Flatten()
        yield "Put a Flatten before the first Linear", replaced(following, (first,), (flat, model.layers[first]))
    for label, between in _narrowing(shape):
        yield f"{label} before the last Linear", replaced(following, (last,), (*between, following.layers[last]))


def _added(model: ex.Sequential, stop: Stop, n_outputs: int) -> Candidates:
    """A Linear at the end that learns. One that was the last so far has to say how many numbers it gives."""
    model = ex.replace(model, frozen=min(model.frozen, len(model.layers)))
    linears = [index for index, layer in enumerate(model.layers) if isinstance(layer, part.Linear)]
    fixed = model
    if linears and getattr(model.layers[linears[-1]], "out_features", 0) is None:
        fixed = _with_last(model, linears[-1], n_outputs)
    if stop.n_tokens:
        yield "Add an EmbeddingBag and a Linear", ex.replace(model, layers=(part.EmbeddingBag(), part.Linear()))
    elif len(stop.shape) == 1:
        yield "Add a Linear at the end", ex.replace(fixed, layers=(*fixed.layers, part.Linear()))
    for label, between in _narrowing(stop.shape):
        yield f"{label} and add a Linear at the end", ex.replace(fixed, layers=(*fixed.layers, *between, part.Linear()))


def _with_last(model: ex.Sequential, index: int, out_features: int | None) -> ex.Sequential:
    layer = model.layers[index]
    return replaced(model, (index,), _giving(layer, out_features) if out_features else (_following(layer),))


def _following(layer: ex.Layer) -> ex.Layer:
    """A Linear that gives as many numbers as the task takes."""
    return ex.replace(layer, out_features=None)


def _narrowing(shape: tuple[int, ...]) -> list[tuple[str, Layers]]:
    """What makes one row of numbers of a sequence or a picture."""
    if len(shape) < 2:
        return []
    flatten: tuple[str, Layers] = ("Put a Flatten", (part.Flatten(),))
    if len(shape) > 2:
        return [flatten]
    return [
        ("Take the last step", (part.LastStep(),)),
        ("Take the mean over time", (part.MeanOverTime(),)),
        flatten,
    ]
