"""Models of several layers, in one batch and in many: the engine beside the same loop by hand, skorch, Lightning."""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from engine import experiment as ex
from engine.data.dataset import Dataset, build_dataset, load_dataset
from engine.data.rows import Reading, Rows, numbers
from engine.session import Session
from engine.training.batches import order
from tests.bench.rows import Goal, Row, epochs_per_second, in_turns

CIRCLES = ex.Experiment(
    data=ex.Data(source=ex.Circles(), split=ex.Split(method="random")),
    model=ex.Layers(hidden=(10, 10)),
    fit=ex.Fit(loss=ex.BCEWithLogitsLoss(), optimizer=ex.SGD(lr=0.1), epochs=10_000_000),
)
BATCHES = ex.Batches(size=32)
N, N_FEATURES, N_CLASSES = 60_000, 784, 10


def measure(quick: bool) -> list[Row | str]:
    """All rows of this file; a text says why one is missing."""
    rounds = 3 if quick else 9
    return [*_small(rounds), *_others(3 if quick else 5), *_large(rounds), *_dataloader(rounds)]


def _small(rounds: int) -> list[Row]:
    circles = load_dataset(CIRCLES.data)
    torch.set_num_threads(1)  # as the engine does for so little work
    values = in_turns(
        lambda: epochs_per_second(lambda n: ours(CIRCLES, circles, n), 1_000),
        lambda: epochs_per_second(lambda n: by_hand(CIRCLES, circles, n), 1_000),
        rounds,
    )
    return [Row("2-10-10-1 on the circles / by hand", "epochs/s", *values, Goal(">=", 1))]


def _large(rounds: int) -> list[Row]:
    experiment, dataset = large()
    rows = []
    for n_threads, note in ((1, "one thread each"), (torch.get_num_threads(), "by hand with all threads")):
        values = in_turns(
            lambda: epochs_per_second(lambda n: ours(experiment, dataset, n), 1),
            lambda n_threads=n_threads: epochs_per_second(  # type: ignore[misc]
                lambda n: by_hand(experiment, dataset, n, n_threads), 1
            ),
            rounds,
        )
        name = "784-128-10, 60,000 rows in batches of 32 / by hand"
        rows.append(Row(name, "epochs/s", *values, Goal(">=", 1), note=note))
    return rows


def _dataloader(rounds: int) -> list[Row]:
    experiment = ex.replace(CIRCLES, fit=ex.replace(CIRCLES.fit, batches=BATCHES))
    circles = load_dataset(CIRCLES.data)
    batches = in_turns(
        lambda: epochs_per_second(lambda n: batches_by_index(circles, n), 200),
        lambda: epochs_per_second(lambda n: batches_of_dataloader(circles, n), 40),
        rounds,
    )
    training = in_turns(
        lambda: epochs_per_second(lambda n: ours(experiment, circles, n), 40),
        lambda: epochs_per_second(lambda n: with_dataloader(experiment, circles, n), 40),
        rounds,
    )
    return [
        Row("Batches of 32 by index / DataLoader", "epochs/s", *batches, Goal(">=", 3), note="the batches alone"),
        Row("Training in batches of 32 / DataLoader loop", "epochs/s", *training, Goal(">=", 3), note="2-10-10-1"),
    ]


def ours(experiment: ex.Experiment, dataset: Dataset, epochs: int) -> Session:
    """The engine."""
    session = Session(experiment, dataset=dataset)
    session.advance(epochs=epochs)
    return session


def large() -> tuple[ex.Experiment, Dataset]:
    """784-128-10 and rows of noise, a sixth of them to test on."""
    draw = np.random.default_rng(0)
    X = torch.from_numpy(draw.random((N * 6 // 5, N_FEATURES), dtype=np.float32))
    y = torch.from_numpy(draw.integers(0, N_CLASSES, len(X)))
    data = ex.Data(source=ex.Blobs(classes=N_CLASSES), split=ex.Split(train=83))
    classes = tuple(map(str, range(N_CLASSES)))
    rows = Rows(y=y, prepare=numbers(X, ()), targets=("class",), reading=Reading(()), classes=classes)
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.SGD(lr=0.01), epochs=1_000, batches=BATCHES)
    return ex.Experiment(data=data, model=ex.Layers(hidden=(128,)), fit=fit), build_dataset(rows, data)


# ------------------------------------------------------------------------------------------------- by hand


def model_of(experiment: ex.Experiment, dataset: Dataset) -> nn.Sequential:
    """The same layers."""
    assert isinstance(experiment.model, ex.Layers)
    torch.manual_seed(experiment.fit.seed)
    n_outputs = 1 if isinstance(experiment.fit.loss, ex.BCEWithLogitsLoss) else len(dataset.classes)
    sizes = [dataset.X_train.shape[1], *experiment.model.hidden]
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))


def parts_of(experiment: ex.Experiment, dataset: Dataset) -> tuple[nn.Sequential, nn.Module, torch.optim.Optimizer]:
    """Model, loss function, optimizer."""
    model = model_of(experiment, dataset).to(dataset.X_train.device)
    loss_fn = nn.BCEWithLogitsLoss() if isinstance(experiment.fit.loss, ex.BCEWithLogitsLoss) else nn.CrossEntropyLoss()
    return model, loss_fn, torch.optim.SGD(model.parameters(), lr=experiment.fit.optimizer.lr)


def by_hand(experiment: ex.Experiment, dataset: Dataset, epochs: int, n_threads: int = 1) -> list[list[float]]:
    """As a person writes it who knows what is fast: rows cut by index, no DataLoader."""
    torch.set_num_threads(n_threads)
    data, size = dataset.for_loss(experiment.fit.loss), experiment.fit.batches.size
    model, loss_fn, optimizer = parts_of(experiment, dataset)
    losses = []
    for epoch in range(epochs):
        model.train()
        if size:
            total = 0.0
            generator = torch.Generator().manual_seed(experiment.fit.seed * 1_000_003 + epoch)
            for rows in torch.randperm(len(data.X_train), generator=generator).split(size):
                loss = loss_fn(model(data.X_train[rows]), data.y_train[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            train_loss = total / len(data.X_train)
        else:
            loss = loss_fn(model(data.X_train), data.y_train)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_loss = loss.item()
        model.eval()
        with torch.inference_mode():
            losses.append([train_loss, loss_fn(model(data.X_test), data.y_test).item()])
    torch.set_num_threads(1)
    return losses


def batches_by_index(dataset: Dataset, epochs: int) -> None:
    """The batches that the engine trains on."""
    for epoch in range(epochs):
        for rows in order(len(dataset.X_train), BATCHES, 42, epoch):
            dataset.X_train.index_select(0, rows)
            dataset.y_train.index_select(0, rows)


def batches_of_dataloader(dataset: Dataset, epochs: int) -> None:
    """The same from a DataLoader that takes row by row and collates them."""
    batches = DataLoader(TensorDataset(dataset.X_train, dataset.y_train), batch_size=BATCHES.size, shuffle=True)
    for _ in range(epochs):
        for _X, _y in batches:
            pass


def with_dataloader(experiment: ex.Experiment, dataset: Dataset, epochs: int) -> None:
    """As tutorials have it: a DataLoader that takes row by row and collates them."""
    data = dataset.for_loss(experiment.fit.loss)
    model, loss_fn, optimizer = parts_of(experiment, dataset)
    batches = DataLoader(TensorDataset(data.X_train, data.y_train), batch_size=BATCHES.size, shuffle=True)
    losses = []
    for _ in range(epochs):
        model.train()
        for X, y in batches:
            loss = loss_fn(model(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            losses.append(loss_fn(model(data.X_test), data.y_test).item())


# -------------------------------------------------------------------------------------------------- others


def _others(rounds: int) -> list[Row | str]:
    circles = load_dataset(CIRCLES.data)
    rows: list[Row | str] = []
    peers: dict[str, Callable[[Dataset, int], None]] = {"skorch": skorch, "Lightning": lightning}
    for name, peer in peers.items():
        try:
            values = in_turns(
                lambda: epochs_per_second(lambda n: ours(CIRCLES, circles, n), 1_000),
                lambda peer=peer: epochs_per_second(lambda n: peer(circles, n), 100),  # type: ignore[misc]
                rounds,
            )
        except ImportError as error:
            rows.append(f"{name} is left out: {error} (`make bench` installs it)")
            continue
        rows.append(Row(f"2-10-10-1 on the circles / {name}", "epochs/s", *values, Goal(">=", 3), note="full batch"))
    return rows


def skorch(dataset: Dataset, epochs: int) -> None:
    """NeuralNet with verbose=0, the test rows judged each epoch. Raises ImportError."""
    from skorch import NeuralNet
    from skorch.dataset import Dataset as SkorchDataset
    from skorch.helper import predefined_split

    data = dataset.for_loss(CIRCLES.fit.loss)
    net = NeuralNet(
        model_of(CIRCLES, dataset), criterion=nn.BCEWithLogitsLoss, optimizer=torch.optim.SGD, lr=0.1,
        max_epochs=epochs, batch_size=-1, train_split=predefined_split(SkorchDataset(data.X_test, data.y_test)),
        verbose=0,
    )  # fmt: skip
    net.fit(data.X_train, data.y_train)


def lightning(dataset: Dataset, epochs: int) -> None:
    """Trainer with one batch of all rows, without logger, checkpoints and bars. Raises ImportError."""
    from lightning.pytorch import LightningModule, Trainer

    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    data = dataset.for_loss(CIRCLES.fit.loss)
    model, loss_fn, optimizer = parts_of(CIRCLES, dataset)

    class Lit(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, _index: int) -> torch.Tensor:
            loss: torch.Tensor = loss_fn(self.model(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]))
            return loss

        def validation_step(self, batch: Any, _index: int) -> None:
            self.log("test_loss", loss_fn(self.model(batch[0]), batch[1]), batch_size=len(batch[0]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer

    loaders = [
        DataLoader(TensorDataset(X, y), batch_size=len(X))
        for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = Trainer(
            max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(Lit(), *loaders)
