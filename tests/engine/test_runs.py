"""Step 5: a run in a line, and what was changed from one to the next."""

from __future__ import annotations

import numpy as np
import pytest

from engine import experiment as ex
from engine.files import set_value
from engine.runs import Run, changes, summary
from tests.engine.every_choice import ALL_LOSSES, ALL_OPTIMIZERS, MODELS, STACKS

START = ex.Experiment()

SCORES = {"MAE": 0.1, "RMSE": 0.2, "R²": 0.3}


@pytest.mark.parametrize(
    ("assignment", "change"),
    [
        ("fit.optimizer.lr=0.05", ["lr 0.01 → 0.05"]),
        ("fit.epochs=200", []),
        ("data.split.method=random", ["method in order → random"]),
        ("model.kind=linear-layer", ["model linear-regression → linear-layer"]),
        ("model.kind=layers", ["model linear-regression → layers"]),
        ("fit.optimizer.name=Adam", ["optimizer SGD → Adam"]),
        ("fit.batches.size=32", ["batch size all rows → 32"]),
        ("fit.gradients.clip_norm=1.0", ["clip norm none → 1.0"]),
        ("fit.stopping.patience=5", ["patience never → 5"]),
        ("fit.computing.compile=true", ["compile no → yes"]),
        ("data.split.validation=10", ["validation 0 → 10"]),
        ("fit.gradients.l1=0.1", ["L1 penalty 0.0 → 0.1"]),
        ("fit.scheduler.name=StepLR", ["scheduler none → StepLR"]),
    ],
)
def test_a_change_is_said_with_both_values(assignment, change):
    assert changes(START, set_value(START, assignment)) == change


def test_several_changes_are_all_said():
    after = set_value(set_value(START, "fit.optimizer.weight_decay=0.5"), "data.split.train=70")
    assert sorted(changes(START, after)) == ["training 80 → 70", "weight decay 0.0 → 0.5"]


def test_many_values_are_cut_short():
    long, short = (ex.Experiment(model=ex.Layers(hidden=(10,) * n)) for n in (64, 1))
    (change,) = changes(short, long)
    assert len(change) < 120 and change.startswith("hidden 10 → 10, 10, 10")


@pytest.mark.parametrize("model", [*MODELS, *STACKS])
def test_the_summary_of_a_model_is_one_line(model):
    line = summary(ex.Experiment(model=model))
    assert "\n" not in line and "L1Loss · SGD lr 0.01" in line
    assert not isinstance(model, ex.Layers) or not model.hidden or model.activation in line


def test_the_summary_names_loss_optimizer_and_learning_rate():
    for loss in ALL_LOSSES:
        for optimizer in ALL_OPTIMIZERS:
            line = summary(ex.Experiment(fit=ex.Fit(loss=loss, optimizer=optimizer)))
            assert f"{type(loss).__name__} · {type(optimizer).__name__} lr {optimizer.lr:g}" in line


def test_the_last_losses_are_those_of_the_last_epoch_by_split():
    losses = np.array([[3, 4], [1, 2]], dtype=np.float32)
    run = Run(1, START, "cpu", "done", 0.5, ("train", "test"), losses, SCORES)
    assert run.last_losses == {"train": 1.0, "test": 2.0}
    empty = Run(2, START, "cpu", "failed", 0.0, ("train", "test"), losses[:0], SCORES)
    assert empty.last_losses == {}


def test_a_run_that_failed_says_how_far_it_came_and_why():
    losses = np.array([[3, 4], [1, 2]], dtype=np.float32)
    why = "Own code, line 4: it ends its own process, so this fit has ended: take that out."
    run = Run(1, START, "cpu", "lost", 0.5, ("train", "test"), losses, {}, why)
    assert run.outcome == f"Failed after 2 of 200 epochs. {why}"


def test_a_text_that_was_empty_was_none():
    words = ex.Experiment(data=ex.Data(source=ex.Text(path="t.csv")))
    theirs = ex.replace(words.data.source, tokens="backbone", tokenizer="someone/tiny")
    tokens = ex.replace(words, data=ex.Data(source=theirs))
    assert changes(words, tokens) == ["tokens word → backbone", "tokenizer none → someone/tiny"]
