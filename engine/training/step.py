"""Step 3: one step: forward, loss, backward, and what is done to the gradients before the weights move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.training.dense import Dense, Line, dense, loss_and_gradient

Batch = tuple[torch.Tensor, torch.Tensor, int | None]
"""X, y, and what the generator is seeded with before the forward pass; None where nothing is drawn."""
Step = Callable[[Sequence[Batch]], list[torch.Tensor]]
"""From the batches of one step to the loss of each before it, detached."""
Forward = Callable[[torch.Tensor], torch.Tensor]


def training_step(
    model: nn.Module, loss_fn: nn.Module, optimizer: torch.optim.Optimizer, fit: ex.Fit, device: str, forward: Forward
) -> Step:
    """The function that takes one step of `fit`. Raises InputError for a precision that is not to be had."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if isinstance(fit.loss, ex.losses.BCELoss) and fit.computing.precision != "float32" and device != "cpu":
        raise InputError(
            f"BCELoss cannot be computed in {fit.computing.precision} on {device}: choose BCEWithLogitsLoss in step 2, "
            "or float32 in step 3, Computing."
        )
    precision = autocast(fit.computing.precision, device)
    plain = fit.gradients == ex.Gradients(
        decay_biases=fit.gradients.decay_biases, backbone_lr=fit.gradients.backbone_lr
    )
    if isinstance(optimizer, torch.optim.LBFGS):
        return _step_with_closure(parameters, loss_fn, optimizer, fit.gradients, precision, forward)
    if not plain or fit.computing.precision != "float32" or fit.batches.accumulate > 1:
        return _general_step(parameters, loss_fn, optimizer, fit, precision, forward, device)
    stack = dense(model) if device == "cpu" and not fit.computing.compile else None
    if stack is not None:
        return _dense_step(stack, loss_fn, optimizer)
    return _plain_step(parameters, loss_fn, optimizer, forward, device)


def _dense_step(stack: Dense | Line, loss_fn: nn.Module, optimizer: torch.optim.Optimizer) -> Step:
    """The course's step of a model for which forward and backward are written out; nothing is drawn in it."""
    judge, step = loss_and_gradient(loss_fn), unwrapped_step(optimizer)

    def take(batches: Sequence[Batch]) -> list[torch.Tensor]:
        ((X, y, _seed),) = batches
        with torch.no_grad():
            values = stack.forward(X)
            loss, gradient = judge(values[-1], y)
            stack.backward(values, gradient)
            step(optimizer)
        return [loss]

    return take


def _plain_step(
    parameters: list[nn.Parameter], loss_fn: nn.Module, optimizer: torch.optim.Optimizer, forward: Forward, device: str
) -> Step:
    """The course's step, to the bit, without what that does for nothing: no hooks around forward and step, no fresh
    "ones" for every backward."""
    loss_of, step = loss_fn.forward, unwrapped_step(optimizer)
    one = torch.ones((), device=device)

    def take(batches: Sequence[Batch]) -> list[torch.Tensor]:
        ((X, y, seed),) = batches
        if seed is not None:
            seed_draws(seed, device)
        loss = loss_of(forward(X), y)
        for parameter in parameters:
            parameter.grad = None
        loss.backward(one)
        with torch.no_grad():
            step(optimizer)
        return [loss.detach()]

    return take


def _general_step(
    parameters: list[nn.Parameter],
    loss_fn: nn.Module,
    optimizer: torch.optim.Optimizer,
    fit: ex.Fit,
    precision: Callable[[], AbstractContextManager[Any]],
    forward: Forward,
    device: str,
) -> Step:
    step, gradients = unwrapped_step(optimizer), fit.gradients
    # small gradients of float16 would become 0: the loss is made larger before backward, they smaller after
    scaler = torch.amp.GradScaler(device) if fit.computing.precision == "float16" else None

    def take(batches: Sequence[Batch]) -> list[torch.Tensor]:
        if scaler is None:
            losses = _backward(parameters, loss_fn, batches, precision, forward)
        else:
            losses = _backward(parameters, loss_fn, batches, precision, forward, scaler.scale)
            scaler.unscale_(optimizer)
        _penalise(parameters, gradients.l1)
        _clip(parameters, gradients)
        if scaler is None:
            with torch.no_grad():
                step(optimizer)
        else:
            scaler.step(optimizer)
            scaler.update()
        return losses

    return take


def _step_with_closure(
    parameters: list[nn.Parameter],
    loss_fn: nn.Module,
    optimizer: torch.optim.Optimizer,
    gradients: ex.Gradients,
    precision: Callable[[], AbstractContextManager[Any]],
    forward: Forward,
) -> Step:
    """Of LBFGS, which looks at the loss several times within one step."""
    step = unwrapped_step(optimizer)

    def take(batches: Sequence[Batch]) -> list[torch.Tensor]:
        seen: list[list[torch.Tensor]] = []

        def closure() -> torch.Tensor:
            seen.append(_backward(parameters, loss_fn, batches, precision, forward))
            penalty = _penalise(parameters, gradients.l1)
            _clip(parameters, gradients)
            return torch.stack(seen[-1]).mean() + penalty

        with torch.no_grad():
            step(optimizer, closure)
        return seen[0]

    return take


def _backward(
    parameters: list[nn.Parameter],
    loss_fn: nn.Module,
    batches: Sequence[Batch],
    precision: Callable[[], AbstractContextManager[Any]],
    forward: Forward,
    scale: Callable[[torch.Tensor], torch.Tensor] = lambda loss: loss,
) -> list[torch.Tensor]:
    """The mean gradient of the batches, into the parameters; the loss of each."""
    for parameter in parameters:
        parameter.grad = None
    losses = []
    for X, y, seed in batches:
        if seed is not None:
            seed_draws(seed, str(X.device))
        with precision():
            loss = loss_fn(forward(X), y)
        scale(loss / len(batches) if len(batches) > 1 else loss).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    return losses


def _penalise(parameters: list[nn.Parameter], l1: float) -> torch.Tensor | float:
    """Add the gradient of the L1 penalty; returns the penalty."""
    if not l1:
        return 0.0
    penalty = l1 * torch.stack([parameter.abs().sum() for parameter in parameters]).sum()
    penalty.backward()  # type: ignore[no-untyped-call]
    return penalty.detach()


def _clip(parameters: list[nn.Parameter], gradients: ex.Gradients) -> None:
    if gradients.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, gradients.clip_value)
    if gradients.clip_norm is not None:
        nn.utils.clip_grad_norm_(parameters, gradients.clip_norm)


def autocast(precision: str, device: str) -> Callable[[], AbstractContextManager[Any]]:
    """What the forward pass runs in. Raises InputError for a precision that the device has not."""
    if precision == "float32":
        return nullcontext
    kind = torch.device(device).type
    if kind not in ("cpu", "cuda") or (precision == "float16" and kind == "cpu"):
        better = "bfloat16 or float32" if kind == "cpu" else "float32"
        raise InputError(f"{precision} is not for the device {kind}: choose {better} in step 3, Computing.")
    dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    return lambda: torch.autocast(kind, dtype)


def seed_draws(seed: int, device: str) -> None:
    """Seed what a forward pass draws from. On the CPU its own generator alone: the others take 100 times as long."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of what is drawn for one epoch, so that each epoch is the same after a pause or a restart."""
    return (seed * 1_000_003 + epoch) % 2**63


def batch_seed(seed: int, epoch: int, batch: int) -> int:
    """The seed of what is drawn for one batch of an epoch."""
    return (epoch_seed(seed, epoch) * 1_000_003 + batch) % 2**63


def unwrapped_step(optimizer: torch.optim.Optimizer) -> Callable[..., Any]:
    """optimizer.step without torch's wrappers for the profiler and for gradient mode (functools.wraps keeps it)."""
    step: Any = type(optimizer).step
    while hasattr(step, "__wrapped__"):
        step = step.__wrapped__
    return step  # type: ignore[no-any-return]
