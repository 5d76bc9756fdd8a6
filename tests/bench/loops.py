"""The same work by others: the course's own loop, skorch, Lightning, scikit-learn.

The straight line, 40 points to train on and 10 to test on, all of them in every step, a test loss every epoch.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

import torch
from torch import nn

Losses = tuple[list[float], list[float]]
"""Train and test loss of every epoch."""


class LinearRegressionModel(nn.Module):
    """As the course writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(1, dtype=torch.float))
        self.bias = nn.Parameter(torch.randn(1, dtype=torch.float))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weights * x + self.bias


def straight_line() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """X_train, y_train, X_test, y_test as the course makes them."""
    X = torch.arange(0, 1, 0.02).unsqueeze(dim=1)
    y = 0.7 * X + 0.3
    cut = int(0.8 * len(X))
    return X[:cut], y[:cut], X[cut:], y[cut:]


def plain(epochs: int, loss_fn: nn.Module | None = None) -> Losses:
    """The course's loop, with both losses kept every epoch."""
    X_train, y_train, X_test, y_test = straight_line()
    torch.manual_seed(42)
    model_0 = LinearRegressionModel()
    loss_fn = loss_fn or nn.L1Loss()
    optimizer = torch.optim.SGD(params=model_0.parameters(), lr=0.01)
    train_losses, test_losses = [], []
    for _ in range(epochs):
        model_0.train()
        y_pred = model_0(X_train)
        loss = loss_fn(y_pred, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model_0.eval()
        with torch.inference_mode():
            test_pred = model_0(X_test)
            test_loss = loss_fn(test_pred, y_test)
        train_losses.append(loss.item())
        test_losses.append(test_loss.item())
    return train_losses, test_losses


def skorch(epochs: int, tuned: bool = False) -> Losses:
    """NeuralNetRegressor with verbose=0; `tuned` spares it the table row that it still makes. Raises ImportError."""
    from skorch import NeuralNetRegressor
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    X_train, y_train, X_test, y_test = straight_line()
    torch.manual_seed(42)
    net = NeuralNetRegressor(
        LinearRegressionModel, criterion=nn.L1Loss, optimizer=torch.optim.SGD, lr=0.01, max_epochs=epochs,
        batch_size=-1, train_split=predefined_split(Dataset(X_test, y_test)), verbose=0,
        **({"callbacks__print_log": None} if tuned else {}),
    )  # fmt: skip
    net.fit(X_train, y_train)
    return net.history[:, "train_loss"], net.history[:, "valid_loss"]


def lightning(epochs: int, tuned: bool = False) -> tuple[Losses, float]:
    """Trainer without logger, checkpoints and bars; the losses and the seconds from first to last epoch.

    As its documentation writes it: a DataLoader over the rows, losses through self.log and read back each epoch.
    `tuned` hands over the one full batch as it is and keeps the losses in lists. Raises ImportError.
    """
    from lightning.pytorch import Trainer
    from torch.utils.data import DataLoader, TensorDataset

    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    X_train, y_train, X_test, y_test = straight_line()
    torch.manual_seed(42)
    lit = _lightning_module(tuned)
    batches: Any = ((X_train, y_train), (X_test, y_test))
    loaders: Any
    if tuned:
        loaders = [DataLoader([batch], batch_size=None) for batch in batches]
    else:
        loaders = [DataLoader(TensorDataset(*batch), batch_size=len(batch[0])) for batch in batches]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = Trainer(
            max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(lit, *loaders)
    return lit.losses, lit.seconds


def _lightning_module(tuned: bool) -> Any:
    from lightning.pytorch import LightningModule

    class Lit(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.loss_fn = LinearRegressionModel(), nn.L1Loss()
            self.losses: Losses = ([], [])
            self.seconds = 0.0

        def training_step(self, batch: Any, _index: int) -> torch.Tensor:
            return self._loss(batch, 0, "train_loss")

        def validation_step(self, batch: Any, _index: int) -> None:
            self._loss(batch, 1, "val_loss")

        def _loss(self, batch: Any, column: int, name: str) -> torch.Tensor:
            X, y = batch
            loss: torch.Tensor = self.loss_fn(self.model(X), y)
            if tuned:
                self.losses[column].append(loss.item())
            else:
                self.log(name, loss, on_step=False, on_epoch=True, batch_size=len(X))
            return loss

        def on_train_epoch_end(self) -> None:
            if not tuned:
                for column, name in enumerate(("train_loss", "val_loss")):
                    self.losses[column].append(self.trainer.callback_metrics[name].item())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.model.parameters(), lr=0.01)

        def on_train_start(self) -> None:
            self.seconds = -time.perf_counter()

        def on_train_end(self) -> None:
            self.seconds += time.perf_counter()

    return Lit()


def scikit_learn(epochs: int) -> None:
    """MLPRegressor without a hidden layer; raises ImportError.

    It knows the squared error alone. Its own way to a score on held-out rows every epoch is `early_stopping`: 10 of
    the 50 rows are held out, and it never stops early here. That is faster than partial_fit and predict in turns.
    """
    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    X_train, y_train, X_test, y_test = (tensor.numpy() for tensor in straight_line())
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate_init=0.01, momentum=0.0, alpha=0.0, batch_size=40,
        shuffle=False, max_iter=epochs, early_stopping=True, validation_fraction=0.2, tol=0.0,
        n_iter_no_change=epochs + 1, random_state=42,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])[:, 0])
    assert model.n_iter_ == epochs
