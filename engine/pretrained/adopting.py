"""Step 2: a model from a file in the place of the one at hand, frozen but for a new head that fits the data."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import experiment as ex
from engine.errors import InputError
from engine.files import parse_experiment
from engine.model_file import OpenedModel
from engine.models.build import build_model
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.stacks import as_sequential, is_listed
from engine.pretrained.heads import head_of, with_new_head
from engine.pretrained.inferring import infer_model
from engine.pretrained.loading import load_weights, match_file
from engine.pretrained.shipped import weights_path
from engine.weights import read_members, read_weights


def adopt(experiment: ex.Experiment, weights: str, inputs: Inputs, n_outputs: int) -> tuple[ex.Experiment, str]:
    """The experiment with a model that begins with these weights, and what was done and assumed in words.

    The layers at hand are kept where all but their head finds its weights in the file; else the layers come from
    the file too, the head is new and all before it is frozen. Raises InputError.
    """
    path, model = weights_path(weights), experiment.model
    if isinstance(model, ex.Sequential) and _suits(model, weights, inputs, n_outputs):
        kept = ex.replace(model, weights=weights)
        return ex.replace(experiment, model=kept), f"The model begins with the weights in {path.name}."
    if path.suffix.lower() == ".pt2":
        program = ex.Exported(path=str(path))
        if _runs(program, inputs, n_outputs):
            return ex.replace(experiment, model=program), f"{path.name} is frozen, and a new head on it learns."
    layers, warnings = _layers_of(path, inputs)
    head = head_of(layers)
    model = with_new_head(ex.replace(ex.Sequential(layers=layers, weights=weights), frozen=head))
    walked = flow(model, inputs, n_outputs)
    if not walked.fits:
        raise InputError(f"{path.name} does not take the data at hand. {walked.misfit}")
    message = f"The layers of {path.name} are frozen, and a new head on them learns."
    return ex.replace(experiment, model=model), " ".join([message, *warnings])


def beginning_with(opened: OpenedModel) -> ex.Model:
    """The model of a file from elsewhere as a list of layers that names the file as its first weights, so that they are
    there wherever it is built; the model as it is where a list does not come to the same weights.
    """
    if not isinstance(opened.model, ex.Sequential | ex.Layers):
        return opened.model  # the course's own models stay what they are; a fit of them begins from the seed
    model = ex.replace(as_sequential(opened.model, opened.inputs), weights=str(opened.path.absolute()))
    try:
        built = build_model(model, opened.inputs, opened.n_outputs)
        load_weights(built, model)
    except InputError:
        return opened.model
    mine, wanted = list(built.state_dict().values()), list(opened.module.state_dict().values())
    is_same = len(mine) == len(wanted) and all(map(torch.equal, mine, wanted))
    return model if is_same else opened.model


def _runs(program: ex.Exported, inputs: Inputs, n_outputs: int) -> bool:
    """Whether a program of torch.export takes the data: more faithful than layers that are guessed from its weights."""
    try:
        build_model(program, inputs, n_outputs)
    except InputError:
        return False
    return True


def _suits(model: ex.Sequential, weights: str, inputs: Inputs, n_outputs: int) -> bool:
    try:
        with torch.device("meta"):
            module = build_model(model, inputs, n_outputs)
        rows = match_file(module, ex.replace(model, weights=weights, fresh=0)).rows
    except InputError:
        return False
    head = head_of(model.layers)
    missing = [row.key for row in rows if row.status in ("missing", "other shape")]
    return all(int(key.partition(".")[0]) >= head for key in missing)


def _layers_of(path: Path, inputs: Inputs) -> tuple[tuple[ex.Layer, ...], tuple[str, ...]]:
    """The layers of a file, and what of them is assumed."""
    warnings: tuple[str, ...] = ()
    members = read_members(path) if path.suffix.lower() != ".safetensors" else {}
    own = members.get("sixstep/experiment.toml")
    if own is not None:
        model = parse_experiment(own.decode(errors="replace"), path.name, path.parent).model
    else:
        shapes = {key: tuple(value.shape) for key, value in read_weights(path).state_dict.items()}
        inferred = infer_model(shapes, path.name, inputs)
        model, warnings = inferred.model, inferred.warnings
    layers = as_sequential(model, inputs).layers
    if not is_listed(model) or not any(isinstance(layer, ex.layers.Linear) for layer in layers):
        raise InputError(f"{path.name} holds no list of layers that ends in a Linear: choose another file in step 2.")
    return layers, warnings
