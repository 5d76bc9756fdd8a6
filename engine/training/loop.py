"""Step 3: what every epoch of one training has in common, from what the experiment says of its fit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.layers import draws
from engine.training.frozen import Features, parted
from engine.training.modes import Switch, mode_switch
from engine.training.recordable import is_recordable
from engine.training.recorder import Recorder
from engine.training.schedule import Schedule
from engine.training.step import Forward, Step, batch_seed, epoch_seed, training_step


@dataclass(frozen=True)
class Loop:
    """What every epoch of one training has in common."""

    step: Step
    forward: Forward
    loss_fn: nn.Module
    switch: Switch | None
    """train() and eval(), where a layer tells them apart."""
    schedule: Schedule | None
    seed_of: Callable[[int, int], int] | None
    """The seed of a batch of an epoch, where the model draws."""
    change: Callable[[torch.Tensor, int, int], torch.Tensor] | None
    """Changes X for a batch of an epoch (pictures are turned and shifted); None: X stays as it is."""
    recorder: Recorder | None
    """Plays epochs that are recorded on a GPU; None where each is started anew."""


def build_loop(
    experiment: ex.Experiment,
    model: nn.Module,
    loss_fn: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps_an_epoch: int,
    device: str,
) -> Loop:
    """The loop for `experiment` over a model and an optimizer that are built. Raises InputError."""
    fit = experiment.fit
    switch = mode_switch(model, _n_frozen(experiment))
    step, forward = _step(experiment, model, loss_fn, optimizer, device)
    schedule = None
    if fit.scheduler is not None:
        schedule = Schedule(fit.scheduler, optimizer, steps_an_epoch * fit.epochs, fit.epochs)
    return Loop(
        step=step,
        forward=forward,
        loss_fn=loss_fn,
        switch=switch,
        schedule=schedule,
        seed_of=_seed_of(experiment) if draws(experiment.model) else None,
        change=_augmentation(experiment),
        recorder=Recorder(model, optimizer) if is_recordable(experiment, device) else None,
    )


def _step(
    experiment: ex.Experiment, model: nn.Module, loss_fn: nn.Module, optimizer: torch.optim.Optimizer, device: str
) -> tuple[Step, Forward]:
    """A step of the model, and its forward pass. Raises InputError."""
    fit = experiment.fit
    parts = parted(experiment, model, _n_frozen(experiment))
    if parts is None:
        forward = _compiled(model, device) if fit.computing.compile else model.forward
        return training_step(model, loss_fn, optimizer, fit, device, forward), forward
    frozen, rest = parts
    features = Features(frozen)
    step = training_step(rest, loss_fn, optimizer, fit, device, rest.forward)
    return features.before(step), lambda X: rest.forward(features.of(X))


def _n_frozen(experiment: ex.Experiment) -> int:
    """So many of the first children of the model are frozen."""
    model = experiment.model
    return int(model.frozen) if isinstance(model, ex.Sequential | ex.Backbone | ex.Exported) else 0


def _compiled(model: nn.Module, device: str) -> Forward:
    """torch.compile; on the CPU it needs a compiler of C++. Raises InputError without one."""
    compilers = [os.environ.get("CXX", ""), "g++", "clang++", "c++", "cl"]
    if device == "cpu" and not any(name and shutil.which(name) for name in compilers):
        raise InputError(
            "torch.compile needs a C++ compiler, and none is installed here: install g++, or switch Compile off in "
            "step 3, Computing."
        )
    compiled: Forward = torch.compile(model)
    return compiled


def check_fit(experiment: ex.Experiment) -> None:
    """Raise InputError for settings of the fit that do not go together."""
    fit, source = experiment.fit, experiment.data.source
    if isinstance(source, ex.ParquetStream) and (fit.batches.size or fit.batches.accumulate > 1):
        raise InputError(
            "Rows that stay on disk have their batch size in step 1: set batch size 0 and accumulate 1 in step 3."
        )
    if fit.batches.accumulate > 1 and not fit.batches.size:
        raise InputError("All rows are one batch, and there is nothing to accumulate: give a batch size in step 3.")
    if fit.computing.precision == "float16" and isinstance(fit.optimizer, ex.optimizers.LBFGS):
        raise InputError("LBFGS cannot scale the small gradients of float16: choose bfloat16 or float32 in step 3.")
    if fit.batches.accumulate > 1 and isinstance(fit.optimizer, ex.optimizers.LBFGS):
        raise InputError("LBFGS looks at one batch several times: set accumulate to 1 and make the batches larger.")


def check_last_batch(experiment: ex.Experiment, model: nn.Module, n_train: int) -> None:
    """Raise InputError where a batch has one row alone, of which BatchNorm cannot take a deviation."""
    size = experiment.fit.batches.size or n_train
    last = n_train % size or size
    if n_train < size:
        last = n_train
    if last > 1 or (experiment.fit.batches.drop_last and n_train > size):
        return
    frozen = {module for layer in list(model.children())[: _n_frozen(experiment)] for module in layer.modules()}
    if any(isinstance(module, _BatchNorm) and module not in frozen for module in model.modules()):
        raise InputError(
            f"The last of the batches has one row, and BatchNorm takes the deviation of each batch: {n_train:,} rows "
            f"in batches of {size:,}; choose another batch size or drop the last one in step 3."
        )


def _is_in_batches(experiment: ex.Experiment) -> bool:
    return bool(experiment.fit.batches.size) or isinstance(experiment.data.source, ex.ParquetStream)


def _seed_of(experiment: ex.Experiment) -> Callable[[int, int], int]:
    seed = experiment.fit.seed
    if _is_in_batches(experiment):
        return lambda epoch, batch: batch_seed(seed, epoch, batch)
    return lambda epoch, _batch: epoch_seed(seed, epoch)


def _augmentation(experiment: ex.Experiment) -> Callable[[torch.Tensor, int, int], torch.Tensor] | None:
    """Changes the pictures of each batch by its own number, whenever it is done."""
    source = experiment.data.source
    if not isinstance(source, ex.Images) or not source.augmentation:
        return None
    from engine.data.augment import augment

    seed_of, how = _seed_of(experiment), source.augmentation

    def change(X: torch.Tensor, epoch: int, batch: int) -> torch.Tensor:
        return augment(X, how, torch.Generator().manual_seed(seed_of(epoch, batch)))

    return change
