"""Step 3: what the frozen first layers make of the rows, computed once where every epoch has the same batch.

They have no weight that changes, they are in the mode in which a model is judged, and the same rows always come in the
same tensor: what comes out is the same to the bit. With batches in another order each epoch it would not be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from engine import experiment as ex
from engine.models.backbone import Backbone, TextBackbone
from engine.training.step import Batch, Step

MOST = 3
"""Tensors of rows whose features are kept: training, validation and test."""


class Features:
    """X [n, ...] to what the frozen layers make of it."""

    def __init__(self, frozen: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._frozen = frozen
        self._known: list[tuple[torch.Tensor, torch.Tensor]] = []

    def of(self, X: torch.Tensor) -> torch.Tensor:
        """The features of X; computed at the first call with this very tensor."""
        for rows, features in self._known:
            if rows is X:
                return features
        self._known = [*self._known[1 - MOST :], (X, self._frozen(X))]
        return self._known[-1][1]

    def before(self, step: Step) -> Step:
        """A step of the other layers as one of the whole model."""

        def take(batches: Sequence[Batch]) -> list[torch.Tensor]:
            return step([(self.of(X), y, seed) for X, y, seed in batches])

        return take


def parted(
    experiment: ex.Experiment, model: nn.Module, n_frozen: int
) -> tuple[Callable[[torch.Tensor], torch.Tensor], nn.Module] | None:
    """The frozen first layers, and the rest as a module; None where there are none, or where rows change."""
    fit, source = experiment.fit, experiment.data.source
    is_augmented = isinstance(source, ex.Images) and bool(source.augmentation)
    if not n_frozen or fit.batches.size or is_augmented or isinstance(source, ex.ParquetStream):
        return None
    if fit.computing.compile or fit.computing.precision != "float32":  # the whole model is compiled, or rounded
        return None
    if isinstance(model, Backbone | TextBackbone):
        return model.features, model.head
    if type(model) is nn.Sequential and n_frozen < len(model):
        return model[:n_frozen].forward, model[n_frozen:]
    return None
