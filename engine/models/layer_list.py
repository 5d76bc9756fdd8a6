"""Step 2: edits of a Sequential's layers, each a new value. Needs no torch.

A path names a layer by its place: (1,) is the second one, (1, 0) the first one inside the residual block there.
Layers that were frozen stay frozen, wherever another one is moved or taken away.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher

from engine import experiment as ex

Path = tuple[int, ...]
WEIGHTLESS = tuple(
    kind for group in ("Pooling", "Dropout", "Activation", "Shape") for kind in ex.layers.GROUPS[group]
)
"""Layers without weights; PReLU is the one activation that has some."""
Layers = tuple[ex.Layer, ...]


def walk(layers: Layers, above: Path = ()) -> Iterator[tuple[Path, ex.Layer]]:
    """Every layer with its path, a block before what is inside it."""
    for place, layer in enumerate(layers):
        yield (*above, place), layer
        if isinstance(layer, ex.layers.Residual):
            yield from walk(layer.layers, (*above, place))


def torch_name(path: Path) -> str:
    """What torch calls the layer, and its parameters after it: 2, or 2.layers.0 for one inside the block there."""
    return ".layers.".join(map(str, path))


def inside(layers: Layers, path: Path) -> Layers:
    """The layers inside the block at `path`; () is the list itself."""
    for place in path:
        block = layers[place]
        assert isinstance(block, ex.layers.Residual)
        layers = block.layers
    return layers


def layer_at(layers: Layers, path: Path) -> ex.Layer:
    """The layer at `path`."""
    return inside(layers, path[:-1])[path[-1]]


def has(layers: Layers, path: Path) -> bool:
    """Whether there is a layer at `path`."""
    return any(path == other for other, _ in walk(layers))


def replaced(model: ex.Sequential, path: Path, layer: ex.Layer) -> ex.Sequential:
    """Another layer in place of the one at `path`."""
    return _with(model, path, (layer,), 1)


def inserted(model: ex.Sequential, path: Path, layer: ex.Layer) -> ex.Sequential:
    """One more layer, at `path`; those from there on move down."""
    model = ex.replace(model, frozen=model.frozen + (len(path) == 1 and path[0] < model.frozen))
    return _with(model, path, (layer,), 0)


def added(model: ex.Sequential, path: Path, layer: ex.Layer) -> ex.Sequential:
    """A new layer at `path`. One that has weights learns, and so do those after it: they would be frozen at random."""
    put = inserted(model, path, layer)
    return ex.replace(put, frozen=min(put.frozen, path[0])) if _has_weights(layer) else put


def _has_weights(layer: ex.Layer) -> bool:
    if isinstance(layer, ex.layers.Residual):
        return any(map(_has_weights, layer.layers))
    return not isinstance(layer, WEIGHTLESS) or isinstance(layer, ex.layers.PReLU)


def removed(model: ex.Sequential, path: Path) -> ex.Sequential:
    """One layer less."""
    model = ex.replace(model, frozen=model.frozen - (len(path) == 1 and path[0] < model.frozen))
    return _with(model, path, (), 1)


def moved(model: ex.Sequential, path: Path, to: Path) -> tuple[ex.Sequential, Path]:
    """The layer at `path` put before what is at `to`, counted as all lies now. Returns the new path too.

    A block cannot be put into itself: then all stays as it is.
    """
    if to[: len(path)] == path:
        return model, path
    layer = layer_at(model.layers, path)
    taken = removed(model, path)
    depth = len(path) - 1
    if len(to) > depth and to[:depth] == path[:depth] and to[depth] > path[depth]:
        to = (*to[:depth], to[depth] - 1, *to[depth + 1 :])  # all behind it has moved up by one
    put = inserted(taken, to, layer)
    if len(path) == len(to) == 1 and max(path[0], to[0]) < model.frozen:
        put = ex.replace(put, frozen=model.frozen)  # from one frozen place to another
    return put, to


def above(layers: Layers, path: Path) -> Path | None:
    """Where a layer goes by one step up: into the block above it, out of its own, or before its neighbour."""
    *block, place = path
    if place == 0:
        return tuple(block) or None
    neighbour = inside(layers, tuple(block))[place - 1]
    if isinstance(neighbour, ex.layers.Residual):
        return (*block, place - 1, len(neighbour.layers))
    return (*block, place - 1)


def below(layers: Layers, path: Path) -> Path | None:
    """Where a layer goes by one step down, counted as all lies now; see `moved`."""
    *block, place = path
    around = inside(layers, tuple(block))
    if place == len(around) - 1:
        return (*block[:-1], block[-1] + 1) if block else None
    if isinstance(around[place + 1], ex.layers.Residual):
        return (*block, place + 1, 0)
    return (*block, place + 2)


def follow(path: Path, before: Layers, after: Layers) -> Path | None:
    """Where the layer that was at `path` is after a change, such as an undo; where it is gone, what came nearest."""
    old, new = list(walk(before)), list(walk(after))
    place = next((place for place, (other, _) in enumerate(old) if other == path), 0)
    if not new or not old:
        return new[0][0] if new else None
    old_keys, new_keys = ([_key(path, layer) for path, layer in layers] for layers in (old, new))
    changes = SequenceMatcher(None, old_keys, new_keys, autojunk=False).get_opcodes()
    for what, old_start, old_end, new_start, new_end in changes:
        if not old_start <= place < old_end:
            continue
        if what == "delete":
            came = [start for other, _, _, start, end in changes if other == "insert" and end - start == 1]
            elsewhere = [start for start in came if new_keys[start] == old_keys[place]]
            nearest = elsewhere[0] if elsewhere else new_start
        else:
            nearest = min(new_start + place - old_start, new_end - 1)
        return new[min(nearest, len(new) - 1)][0]
    return new[-1][0]


def _key(path: Path, layer: ex.Layer) -> Hashable:
    """What a layer is told by; a block stays the same one when something changes inside it."""
    return (len(path), ex.layers.Residual) if isinstance(layer, ex.layers.Residual) else (len(path), layer)


def _with(model: ex.Sequential, path: Path, layers: Sequence[ex.Layer], in_place_of: int) -> ex.Sequential:
    return ex.replace(model, layers=_spliced(model.layers, path, layers, in_place_of))


def _spliced(all_layers: Layers, path: Path, layers: Sequence[ex.Layer], in_place_of: int) -> Layers:
    place, *rest = path
    if rest:
        block = all_layers[place]
        assert isinstance(block, ex.layers.Residual)
        within = _spliced(block.layers, tuple(rest), layers, in_place_of)
        return (*all_layers[:place], ex.replace(block, layers=within), *all_layers[place + 1 :])
    return (*all_layers[:place], *layers, *all_layers[place + in_place_of :])
