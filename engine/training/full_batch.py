"""Step 3: epochs of one step each, with all training rows in it, as in the course."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.dataset import Dataset
from engine.training.loop import Loop


def train(loop: Loop, dataset: Dataset, first_epoch: int, epochs: int) -> NDArray[np.float32]:
    """The loop, `epochs` times. Returns the losses [epochs, n_splits], train before each update, the others after it.

    It does what the course's loop does, to the bit, and leaves out what that does for nothing: losses stay tensors
    until the end (an .item() each waits for the device), no train()/eval() where no layer tells them apart.
    """
    X_train, y_train = dataset.X_train, dataset.y_train
    others = [(dataset.X(split), dataset.y(split)) for split in dataset.splits if split != "train"]
    n_losses, judged = 1 + len(others), int("validation" in dataset.splits)
    step, forward, loss_of = loop.step, loop.forward, loop.loss_fn.forward
    switch, schedule, seed_of, change = loop.switch, loop.schedule, loop.seed_of, loop.change

    def losses_of(X: torch.Tensor, seed: int | None) -> list[torch.Tensor]:
        if switch is not None:
            switch(True)
        losses = step(((X, y_train, seed),))
        if switch is not None:
            switch(False)
        with torch.no_grad():
            for X, y in others:
                losses.append(loss_of(forward(X), y))
        return losses

    if loop.recorder is not None:
        recorded: NDArray[np.float32] = loop.recorder.run(lambda: losses_of(X_train, None), n_losses, epochs).numpy()
        return recorded
    losses: list[torch.Tensor] = []
    for epoch in range(first_epoch, first_epoch + epochs):
        X = X_train if change is None else change(X_train, epoch, 0)
        losses += losses_of(X, None if seed_of is None else seed_of(epoch, 0))
        if schedule is not None:
            schedule.after_step()
            schedule.after_epoch(losses[judged - n_losses])
    if not losses:
        return np.empty((0, n_losses), dtype=np.float32)
    rows: NDArray[np.float32] = torch.stack(losses).reshape(epochs, -1).cpu().numpy()
    return rows
