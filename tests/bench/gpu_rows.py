"""Full batches on an NVIDIA GPU: the engine, which plays its epochs as a CUDA graph, beside the same loop by hand."""

from __future__ import annotations

import numpy as np
import torch

from engine import experiment as ex
from engine.data.dataset import Dataset, build_dataset, load_dataset
from engine.data.rows import Reading, Rows, numbers
from engine.session import Session
from tests.bench.model_rows import CIRCLES, by_hand
from tests.bench.rows import Goal, Row, epochs_per_second, in_turns

N, N_FEATURES, N_CLASSES, HIDDEN = 192, 1024, 10, (1024,)
"""6 x 159 training rows x 1.06 million weights: about a GFLOP a step, forward and backward."""


def measure(quick: bool) -> list[Row | str]:
    """All rows of this file; a text says why they are missing."""
    if not torch.cuda.is_available():
        return ["the rows on a GPU are left out: there is none here"]
    rounds, device = 3 if quick else 9, torch.cuda.get_device_name()
    experiment, dataset = large()
    small = load_dataset(CIRCLES.data)
    return [
        _row(CIRCLES, small, 2_000, rounds, Goal(">=", 4), f"2-10-10-1 on the circles, {device} / by hand"),
        _row(experiment, dataset, 1_000, rounds, Goal(">=", 0.97), f"1024-1024-10, {device} / by hand"),
    ]


def _row(experiment: ex.Experiment, dataset: Dataset, epochs: int, rounds: int, goal: Goal, name: str) -> Row:
    on_device = dataset.to("cuda")
    values = in_turns(
        lambda: epochs_per_second(lambda n: ours(experiment, on_device, n), epochs),
        lambda: epochs_per_second(lambda n: by_hand(experiment, on_device, n), epochs),
        rounds,
    )
    return Row(name, "epochs/s", *values, goal, note="full batch")


def ours(experiment: ex.Experiment, dataset: Dataset, epochs: int) -> None:
    """The engine; its losses are on the CPU when it comes back, so all is done."""
    Session(experiment, "cuda", dataset).advance(epochs=epochs)


def large() -> tuple[ex.Experiment, Dataset]:
    """Rows of noise, a sixth of them to test on."""
    draw = np.random.default_rng(0)
    X = torch.from_numpy(draw.random((N, N_FEATURES), dtype=np.float32))
    y = torch.from_numpy(draw.integers(0, N_CLASSES, N))
    data = ex.Data(source=ex.Blobs(classes=N_CLASSES), split=ex.Split(train=83))
    classes = tuple(map(str, range(N_CLASSES)))
    rows = Rows(y=y, prepare=numbers(X, ()), targets=("class",), reading=Reading(()), classes=classes)
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.SGD(lr=0.01), epochs=10_000_000)
    return ex.Experiment(data=data, model=ex.Layers(hidden=HIDDEN), fit=fit), build_dataset(rows, data)
