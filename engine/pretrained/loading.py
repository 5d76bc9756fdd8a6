"""Step 2: weights from a file into a model that was just built."""

from __future__ import annotations

import torch

from engine import experiment as ex
from engine.errors import InputError
from engine.pickle_notes import shown
from engine.pretrained.matching import COUNTER, Match, match
from engine.pretrained.shipped import weights_path
from engine.weights import Weights, read_weights


def load_weights(module: torch.nn.Module, model: ex.Sequential) -> Match:
    """Copy into the module of `model` what matches by name and shape of the file that it names.

    What has no partner there stays as it is, and so do the layers that are to be fresh. Raises InputError where the
    file cannot be used, or nothing in it matches.
    """
    read, found = _look(module, model)
    state = {key: read.state_dict[file_key.removeprefix(read.prefix)] for key, file_key in found.pairs.items()}
    module.load_state_dict(state, strict=False)
    return found


def match_file(module: torch.nn.Module, model: ex.Sequential) -> Match:
    """What the file that `model` names gives to its module, which may be on the device meta. Raises InputError."""
    return _look(module, model)[1]


def _look(module: torch.nn.Module, model: ex.Sequential) -> tuple[Weights, Match]:
    path = weights_path(model.weights)
    weights = read_weights(path)
    needed = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    given = {
        weights.prefix + key: tuple(tensor.shape)
        for key, tensor in weights.state_dict.items()
        if tensor.is_floating_point() or key.endswith(COUNTER)  # other whole numbers are no weights
    }
    first_fresh = len(model.layers) - model.fresh
    rows = match(needed, given, lambda key: int(key.partition(".")[0]) >= first_fresh)
    found = Match(rows, str(path), weights.part, weights.kind, weights.warnings)
    if not found.pairs:
        raise InputError(
            f"{shown(path.name, 100)} has nothing for this model: it has {_some(given)}, the model needs "
            f"{_some(needed)}; choose other weights in step 2, or layers of those sizes."
        )
    return weights, found


def _some(shapes: dict[str, tuple[int, ...]]) -> str:
    listed = ", ".join(f"{shown(key)} {shown(list(shape), 30)}" for key, shape in list(shapes.items())[:2])
    return (listed + (f" and {len(shapes) - 2} more" if len(shapes) > 2 else "")) or "no weights"


def load_first_weights(module: torch.nn.Module, model: ex.Model, is_needed: bool) -> Match | None:
    """What of its file went into a model that was just built; None without a file.

    Where other weights follow, a file that is gone `is_needed` no longer. Raises InputError.
    """
    if not isinstance(model, ex.Sequential) or not model.weights:
        return None
    try:
        return load_weights(module, model)
    except InputError:
        if is_needed:
            raise
        return None
