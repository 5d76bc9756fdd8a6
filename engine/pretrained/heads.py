"""Step 2: which layer gives the answers, and a new one in its place. Needs no torch."""

from __future__ import annotations

from engine import experiment as ex


def head_of(layers: tuple[ex.Layer, ...]) -> int:
    """The place of the last Linear; 0 where there is none."""
    return max((place for place, layer in enumerate(layers) if isinstance(layer, ex.layers.Linear)), default=0)


def with_new_head(model: ex.Sequential) -> ex.Sequential:
    """The same model with a head that fits the task and starts anew, whatever a file has for it."""
    head = head_of(model.layers)
    layers = tuple(
        ex.replace(layer, out_features=None) if place == head and isinstance(layer, ex.layers.Linear) else layer
        for place, layer in enumerate(model.layers)
    )
    return ex.replace(model, layers=layers, fresh=len(layers) - head)


def freeze_all_but_head(model: ex.Sequential) -> ex.Sequential:
    """The same model, whose layers before the head keep their weights."""
    return ex.replace(model, frozen=head_of(model.layers))
