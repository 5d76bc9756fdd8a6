"""The learning-rate finder: it suggests a rate that trains well, and leaves the session as it was."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine import lr_finder
from engine.errors import InputError
from engine.lr_finder import HIGHEST, LONGEST, LOWEST, find_lr
from engine.session import Session

CIRCLES = ex.Data(source=ex.Circles(samples=400, noise=0.03))
LINE = ex.Experiment(fit=ex.Fit(epochs=100))


def circles(optimizer: ex.Optimizer, epochs: int, **fit: object) -> ex.Experiment:
    return ex.Experiment(
        data=CIRCLES,
        model=ex.Layers(),
        fit=ex.Fit(loss=ex.BCEWithLogitsLoss(), optimizer=optimizer, epochs=epochs, **fit),
    )


def with_lr(experiment: ex.Experiment, lr: float) -> ex.Experiment:
    fit = experiment.fit
    return ex.replace(experiment, fit=ex.replace(fit, optimizer=ex.replace(fit.optimizer, lr=lr)))


TRAINS = {
    "line, SGD": (LINE, 0.1),
    "line, Adam": (ex.replace(LINE, fit=ex.Fit(optimizer=ex.Adam(), loss=ex.MSELoss(), epochs=300)), 0.01),
    "circles, Adam": (circles(ex.Adam(lr=1e-6), epochs=300), 0.1),
    "circles, SGD with momentum": (circles(ex.SGD(lr=10.0, momentum=0.9), epochs=400), 0.1),
    "circles, batches": (circles(ex.Adam(), epochs=40, batches=ex.Batches(size=32)), 0.2),
}


@pytest.mark.parametrize("name", TRAINS)
def test_the_suggestion_trains_well(name):
    experiment, share = TRAINS[name]
    curve = find_lr(Session(experiment))
    session = Session(with_lr(experiment, curve.suggestion))
    session.advance()
    assert session.history.losses[-1, 0] < share * session.history.losses[0, 0]


@pytest.mark.parametrize("name", TRAINS)
def test_the_curve_grows_by_the_same_factor_and_the_suggestion_is_well_before_its_lowest_point(name):
    curve = find_lr(Session(TRAINS[name][0]))
    n = len(curve.lrs)
    assert 10 <= n <= 100 and curve.losses.shape == curve.smoothed.shape == (n,)
    assert curve.lrs[0] == pytest.approx(LOWEST) and curve.lrs[-1] <= HIGHEST * (1 + 1e-12)
    assert np.allclose(np.diff(np.log(curve.lrs)), np.log(HIGHEST / LOWEST) / 99)
    assert np.isfinite(curve.losses).all() and np.isfinite(curve.smoothed).all()
    assert LOWEST <= curve.suggestion <= curve.lrs[np.argmin(curve.smoothed)] / 10


@pytest.mark.parametrize(
    "experiment",
    [
        LINE,
        circles(ex.Adam(), 20, batches=ex.Batches(size=64, accumulate=2), scheduler=ex.schedulers.OneCycleLR()),
        ex.replace(
            circles(ex.optimizers.AdamW(), 20, gradients=ex.Gradients(backbone_lr=0.1, clip_norm=1.0)),
            model=ex.Sequential(
                layers=(
                    ex.layers.Linear(out_features=8), ex.layers.BatchNorm1d(), ex.layers.Dropout(), ex.layers.Linear()
                )
            ),
        ),
    ],
)  # fmt: skip
def test_the_session_goes_on_as_if_there_had_been_no_search(experiment):
    plain, searched = Session(experiment), Session(experiment)
    plain.advance(epochs=5)
    searched.advance(epochs=5)
    drawn = torch.get_rng_state()
    find_lr(searched)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert same_tensors(plain.model.state_dict(), searched.model.state_dict())
    assert [module.training for module in plain.model.modules()] == [m.training for m in searched.model.modules()]
    plain.advance()
    searched.advance()
    assert plain.history.losses.tobytes() == searched.history.losses.tobytes()
    assert same_tensors(plain.model.state_dict(), searched.model.state_dict())


def same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)


def test_the_same_session_gives_the_same_curve_twice():
    session = Session(circles(ex.Adam(), 20, batches=ex.Batches(size=32)))
    one, other = find_lr(session), find_lr(session)
    assert one.losses.tobytes() == other.losses.tobytes() and one.suggestion == other.suggestion


def test_it_ends_where_the_loss_is_four_times_its_best():
    curve = find_lr(Session(ex.replace(LINE, fit=ex.Fit(loss=ex.MSELoss()))))
    assert len(curve.lrs) < 100
    assert curve.losses[-1] > curve.losses.min() * 4 and curve.losses[:-10].max() == curve.losses[0]


def test_lbfgs_and_losses_below_zero_have_their_curve_too():
    lbfgs = circles(ex.optimizers.LBFGS(max_iter=4), 5)
    assert LOWEST < find_lr(Session(lbfgs)).suggestion < HIGHEST
    poisson = ex.replace(LINE, fit=ex.Fit(loss=ex.losses.PoissonNLLLoss(), optimizer=ex.Adam()))
    poisson = ex.replace(poisson, data=ex.Data(source=ex.StraightLine(weight=30.0, bias=20.0)))
    curve = find_lr(Session(poisson))
    assert curve.losses.min() < 0 and LOWEST < curve.suggestion < HIGHEST


def test_it_stops_when_it_is_told_to():
    asked = []

    def is_stopped() -> bool:
        asked.append(len(asked))
        return len(asked) > 7

    assert find_lr(Session(LINE), is_stopped) is None and len(asked) == 8


def clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Time goes on by so much whenever it is looked at."""
    times = itertools.count(step=seconds)
    monkeypatch.setattr(lr_finder, "monotonic", lambda: next(times))


def test_a_search_that_takes_too_long_ends_with_what_it_has(monkeypatch):
    session = Session(circles(ex.Adam(), 20))
    whole = find_lr(session)
    clock(monkeypatch, LONGEST / 60)
    cut = find_lr(session)
    assert not whole.is_cut and cut.is_cut and len(cut.lrs) == 61
    assert np.array_equal(cut.losses, whole.losses[:61]) and cut.suggestion <= cut.lrs[-1] / 10


def test_a_search_that_comes_to_nothing_in_its_time_says_where_it_stopped(monkeypatch):
    clock(monkeypatch, LONGEST)
    with pytest.raises(InputError, match=r"60 seconds the search stopped at a learning rate of 1.2e-07") as caught:
        find_lr(Session(circles(ex.Adam(), 20)))
    assert len(str(caught.value)) < 250


def test_a_loss_that_never_falls_is_said_in_a_sentence():
    flat = ex.StraightLine(weight=0.0, bias=0.0)
    model = ex.Sequential(layers=(ex.layers.Linear(out_features=1), ex.layers.ReLU()))
    fit = ex.Fit(seed=seed_of_a_dead_unit(), loss=ex.MSELoss())
    with pytest.raises(InputError, match="falls at no learning rate"):
        find_lr(Session(ex.Experiment(data=ex.Data(source=flat), model=model, fit=fit)))


def seed_of_a_dead_unit() -> int:
    """A seed with which a Linear(1, 1) gives numbers below 0 for X from 0 to 1."""
    for seed in range(100):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(1, 1)
        if layer.bias < 0 and layer.bias + layer.weight < 0:
            return seed
    raise AssertionError
