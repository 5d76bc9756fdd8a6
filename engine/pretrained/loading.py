"""Step 2: weights from a file into a model that was just built."""

from __future__ import annotations

import torch

from engine import experiment as ex
from engine.errors import InputError
from engine.models.build import build_model
from engine.models.inputs import Inputs
from engine.pickle_notes import shown
from engine.pretrained.matching import COUNTER, Match, match
from engine.pretrained.shipped import weights_path
from engine.weights import Weights, read_weights


def load_weights(module: torch.nn.Module, model: ex.Model, is_needed: bool = True) -> Match | None:
    """Copy into `module` what its experiment says of first weights, matched by name and shape.

    What has no partner in the file stays as it is. None where no file is named, or where one that is not needed
    cannot be used. Raises InputError where one that is needed cannot be used, or nothing in it matches.
    """
    if not isinstance(model, ex.Sequential) or not model.weights:
        return None
    try:
        weights, found = _look(module, model.weights)
    except InputError:
        if is_needed:
            raise
        return None
    state = {key: weights.state_dict[file_key.removeprefix(weights.prefix)] for key, file_key in found.pairs.items()}
    module.load_state_dict(state, strict=False)
    return found


def match_weights(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> Match:
    """What the file that `model` names gives to it, found out without building the model. Raises InputError."""
    with torch.device("meta"):
        module = build_model(model, inputs, n_outputs)
    return _look(module, model.weights)[1]


def _look(module: torch.nn.Module, name: str) -> tuple[Weights, Match]:
    path = weights_path(name)
    weights = read_weights(path)
    needed = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    given = {
        weights.prefix + key: tuple(tensor.shape)
        for key, tensor in weights.state_dict.items()
        if tensor.is_floating_point() or key.endswith(COUNTER)  # other whole numbers are no weights
    }
    found = Match(match(needed, given), str(path), weights.part, weights.is_safetensors, weights.warnings)
    if not found.pairs:
        raise InputError(
            f"{shown(path.name, 100)} has nothing for this model: it has {_some(given)}, the model needs "
            f"{_some(needed)}; choose other weights in step 2, or layers of those sizes."
        )
    return weights, found


def _some(shapes: dict[str, tuple[int, ...]]) -> str:
    listed = ", ".join(f"{shown(key)} {shown(list(shape), 30)}" for key, shape in list(shapes.items())[:2])
    return (listed + (f" and {len(shapes) - 2} more" if len(shapes) > 2 else "")) or "no weights"
