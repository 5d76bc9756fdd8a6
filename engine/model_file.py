"""Step 6: a model as one .pt file: a plain state_dict for everyone, and for Sixstep the experiment beside it.

torch.load(path, weights_only=True) sees the state_dict alone; the rest are extra members of the same zip.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine import optimizer_state
from engine.data.dataset import Dataset
from engine.data.preparation import MAX_VALUES, Preparation, check_loss, n_outputs, parse_preparation
from engine.data.text_backbone import check_same
from engine.errors import HeadError, InputError
from engine.exported.opening import from_elsewhere
from engine.files import atomic_write, format_experiment, parse_experiment, with_source
from engine.models.build import build_model, n_parameters
from engine.models.inputs import Inputs
from engine.own_code.building import NotBuilt, is_loaded
from engine.pretrained.inferring import InferredModel
from engine.session import Session
from engine.training.batches import Position
from engine.training.schedule import hangs_on_length
from engine.weights import Weights, load_into, read_members, read_weights

FOLDER = "sixstep/"
BEST = "best.safetensors"
TORCH_FOLDER = "archive/"
"""torch.save calls its folder so when it writes to memory; torch.load refuses members outside of it."""
CHECK_ROWS = 1000
"""Test rows whose predictions are kept, to compare with after reloading,"""
CHECK_VALUES = 500_000
"""and so many values of them at most."""


@dataclass(frozen=True)
class OpenedModel:
    """A model file, checked, built and filled, on the CPU."""

    path: Path
    module: torch.nn.Module
    """NotBuilt where the file brings its own code: that runs in a process of its own alone."""
    model: ex.Model
    inputs: Inputs
    n_outputs: int
    preparation: Preparation
    """From raw rows to X and from outputs to answers; of a file from elsewhere as much as can be known."""
    experiment: ex.Experiment | None
    """What made the model; None for a file from elsewhere."""
    losses: NDArray[np.float32] | None
    """The losses [n_epochs, n_splits] of its fit, where the file has them."""
    position: Position
    """Where in an epoch it is, when its rows stay on disk."""
    optimizer: optimizer_state.State
    """What the optimizer remembers, by parameter and name; empty when the file has nothing of it."""
    best: dict[str, torch.Tensor] | None
    """The weights of the best epoch of a fit that is to end with them, where the model has others."""
    difference: float | None
    """The largest difference between the saved predictions and those made now; None without saved ones."""
    warnings: tuple[str, ...]


def save_model(path: Path, session: Session) -> None:
    """Write the session's model, experiment, losses, optimizer and some predictions to one .pt file.

    The experiment says as many epochs as were done: it is the one that gives this model. Only where the learning rates
    hang on how many there are, it stays as it is. Raises InputError.
    """
    from engine.own_code.remote import RemoteSession

    atomic_write(path, session.model_bytes() if isinstance(session, RemoteSession) else model_bytes(session))


def model_bytes(session: Session) -> bytes:
    """What `save_model` writes."""
    buffer, best = io.BytesIO(), session.best_weights()
    torch.save({key: value.cpu() for key, value in session.model.state_dict().items()}, buffer)
    check_X = session.dataset.X_test[: _check_rows(session.preparation.input_shape)]
    members = {
        "experiment.toml": format_experiment(_experiment_done(session)).encode(),
        "preparation.json": msgspec.json.encode(session.preparation),
        "losses.npy": _npy(session.history.losses),
        "check_X.npy": _npy(check_X.cpu().numpy()),
        "check_y_pred.npy": _npy(session.predict(check_X)),
        **optimizer_state.members(session.optimizer),
        **({"position.json": msgspec.json.encode(session.position)} if session.position.batches else {}),
        **({} if best is None else {BEST: safetensors.torch.save(best)}),
    }
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(TORCH_FOLDER + FOLDER + name, content)
    return buffer.getvalue()


def _check_rows(input_shape: tuple[int, ...]) -> int:
    return max(1, min(CHECK_ROWS, CHECK_VALUES // prod(input_shape)))


def _experiment_done(session: Session) -> ex.Experiment:
    fit = session.experiment.fit
    if hangs_on_length(fit.scheduler):  # with other epochs it would be another fit
        return session.experiment
    return ex.replace(session.experiment, fit=ex.replace(fit, epochs=session.epoch or fit.epochs))


def open_model(path: Path, inputs: Inputs | None = None) -> OpenedModel:
    """The model in a .pt, .pth or .safetensors file, of Sixstep or from elsewhere. Raises InputError.

    `inputs` is what the data at hand has: it helps to find out what a model from elsewhere takes.
    """
    weights = read_weights(path)
    members = {name.removeprefix(FOLDER): content for name, content in read_members(path).items()}
    if "experiment.toml" not in members:
        shapes = {key: tuple(tensor.shape) for key, tensor in weights.state_dict.items()}
        inferred = from_elsewhere(path, weights.kind, shapes, inputs)
        if isinstance(inferred.model, ex.Exported):  # it runs as a whole, not for its weights alone
            weights = replace(weights, warnings=())
        if inferred.keys:
            own = {key: weights.state_dict[there] for key, there in inferred.keys.items()}
            weights = replace(weights, state_dict=own)
        return _opened(path, weights, inferred, None, {})
    experiment = parse_experiment(_utf8(members["experiment.toml"], path), path.name, path.parent)
    preparation = parse_preparation(members.get("preparation.json", b""), f"{path.name}, {FOLDER}preparation.json")
    check_loss(experiment.fit.loss, preparation)
    inferred = InferredModel(
        experiment.model,
        preparation.inputs,
        n_outputs(experiment.fit.loss, preparation),
    )
    return _opened(path, weights, inferred, _find_file(experiment, path), members, preparation)


def _opened(
    path: Path,
    weights: Weights,
    inferred: InferredModel,
    experiment: ex.Experiment | None,
    members: dict[str, bytes],
    preparation: Preparation | None = None,
) -> OpenedModel:
    losses = _losses(members["losses.npy"], path) if "losses.npy" in members else None
    if isinstance(inferred.model, ex.OwnCode) and not is_loaded():
        return OpenedModel(
            path, NotBuilt(), inferred.model, inferred.inputs, inferred.n_outputs, preparation or _unknown(inferred),
            experiment, losses, _position(members, path), {}, None, None, inferred.warnings,
        )  # fmt: skip
    held = sum(tensor.numel() for tensor in weights.state_dict.values())
    # own code is built in a process with a limit of its own, a backbone is as large as its folder says
    is_checked = isinstance(inferred.model, ex.OwnCode | ex.Backbone | ex.Exported)
    if not is_checked and n_parameters(inferred.model, inferred.inputs, inferred.n_outputs) > 2 * held + 1000:
        # refused before memory is taken for it; what differs less is named by load_into
        raise InputError(f"{path.name}: its experiment tells of a larger model than its weights; take another copy.")
    module = build_model(inferred.model, inferred.inputs, inferred.n_outputs)
    warnings = (*load_into(module, weights, path), *inferred.warnings)
    return OpenedModel(
        path, module, inferred.model, inferred.inputs, inferred.n_outputs, preparation or _unknown(inferred),
        experiment, losses, _position(members, path), optimizer_state.parse(members, path.name),
        _best(members, module, path), _difference(module, members, path, inferred), warnings,
    )  # fmt: skip


def _unknown(inferred: InferredModel) -> Preparation:
    """What can be said of the data of a model from elsewhere: how many numbers come in and go out."""
    targets = ("y",) if inferred.n_outputs == 1 else tuple(str(place) for place in range(inferred.n_outputs))
    return Preparation(targets=targets, input_shape=inferred.inputs.shape)


def _difference(
    module: torch.nn.Module, members: dict[str, bytes], path: Path, inferred: InferredModel
) -> float | None:
    """Predict again what was predicted when the model was saved: the largest absolute difference."""
    if not {"check_X.npy", "check_y_pred.npy"} <= members.keys():
        return None
    X = _array(members["check_X.npy"], path, "check_X.npy", tokens=inferred.inputs.n_tokens)
    saved = _array(members["check_y_pred.npy"], path, "check_y_pred.npy")
    if X.shape[1:] != inferred.inputs.shape or saved.shape != (len(X), inferred.n_outputs) or not len(X):
        raise InputError(f"{path.name}: its saved predictions do not fit its model; it is damaged, take another copy.")
    module.eval()
    with torch.inference_mode():
        return float(np.abs(module(torch.from_numpy(X)).numpy() - saved).max())


def _losses(content: bytes, path: Path) -> NDArray[np.float32]:
    losses = _array(content, path, "losses.npy")
    if losses.ndim != 2 or losses.shape[1] not in (2, 3):
        raise InputError(f"{path.name}: its losses have the wrong shape; it is damaged, take another copy.")
    return losses


def _position(members: dict[str, bytes], path: Path) -> Position:
    if "position.json" not in members:
        return Position()
    try:
        position = msgspec.json.decode(members["position.json"], type=Position)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        position = Position(batches=-1)
    if not 0 <= position.batches < MAX_VALUES or not isfinite(position.total):
        raise InputError(f"{path.name}, {FOLDER}position.json makes no sense; it is damaged, take another copy.")
    return position


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes, path: Path, name: str, tokens: int = 0) -> NDArray[Any]:
    """An array of float32; with `tokens` one of int64, each below that number."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError):
        array = None
    kind = np.int64 if tokens else np.float32
    known = isinstance(array, np.ndarray) and array.dtype == kind
    if array is None or not known or (tokens and array.size and not 0 <= array.min() <= array.max() < tokens):
        what = np.dtype(kind).name
        raise InputError(f"{path.name}, {FOLDER}{name}: no {what} array; the file is damaged, take another copy.")
    whole: NDArray[Any] = array
    return whole


def _best(members: dict[str, bytes], module: torch.nn.Module, path: Path) -> dict[str, torch.Tensor] | None:
    if BEST not in members:
        return None
    try:
        best = safetensors.torch.load(members[BEST])
    except (safetensors.SafetensorError, ValueError, KeyError):
        best = {}
    if _kinds(best) != _kinds(module.state_dict()):
        raise InputError(f"{path.name}, {FOLDER}{BEST} fits not the model; it is damaged, take another copy.")
    return best


def _kinds(state_dict: dict[str, torch.Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {key: (tensor.shape, tensor.dtype) for key, tensor in state_dict.items()}


def _utf8(content: bytes, path: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: its experiment is not text; it is damaged, take another copy.") from None


def _find_file(experiment: ex.Experiment, path: Path) -> ex.Experiment:
    """Where the data is not at its old place, a file or folder of the same name beside the model is taken."""
    source = experiment.data.source
    if not isinstance(source, ex.FileSource) or Path(source.path).exists():
        return experiment
    beside = path.parent / Path(source.path).name
    if not beside.exists():
        return experiment
    return with_source(experiment, ex.replace(source, path=str(beside.absolute())))


def check_fits(opened: OpenedModel, experiment: ex.Experiment, dataset: Dataset) -> None:
    """Raise InputError where a model from elsewhere does not take what the data here has, HeadError where it only gives
    another number of outputs.
    """
    preparation = dataset.preparation
    check_loss(experiment.fit.loss, preparation)
    here = (preparation.input_shape, n_outputs(experiment.fit.loss, preparation))
    if (opened.inputs.shape, opened.n_outputs) != here:
        kind = HeadError if opened.inputs.shape == here[0] else InputError
        raise kind(
            f"{opened.path.name} is a model from {opened.inputs.size} features to {opened.n_outputs} outputs, the data "
            f"here has {prod(here[0])} and {here[1]}: choose data that fits in step 1, then open it again."
        )


def restore(session: Session, opened: OpenedModel) -> float | None:
    """Put an opened model into a new session for its experiment; a whole one goes on to the bit.

    Returns the largest difference between the saved predictions and those made now, where there are saved ones.
    Raises InputError for an optimizer's state that does not belong to the experiment's optimizer.
    """
    from engine.own_code.remote import RemoteSession

    source = session.experiment.data.source
    if opened.experiment is not None and isinstance(source, ex.Text):
        check_same(session.preparation.learned, opened.preparation.learned, source.tokenizer)
    if isinstance(session, RemoteSession):
        return session.restore(opened.path).difference
    if opened.experiment is None and session.match is not None:  # it was built with the weights of this very file
        return None
    session.model.load_state_dict(opened.module.state_dict())
    session.can_go_on = opened.experiment is not None
    fit, file = session.experiment.fit, opened.path.name
    optimizer_state.put_into(session.optimizer, session.model, fit, opened.optimizer, file)
    if opened.losses is not None and opened.losses.shape[1] == len(session.dataset.splits):
        session.resume(opened.losses[: session.experiment.fit.epochs], opened.position, opened.best)
    return opened.difference
