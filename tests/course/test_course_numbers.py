"""The published numbers of the course (learnpytorch.io, chapters 01 and 02), through the engine.

Rule for all: float32, full batch, torch.manual_seed(42) right before the model is built; the training loss of an epoch
is taken before that epoch's update, the test loss after it.
"""

from __future__ import annotations

import pytest

from engine import experiment as ex
from engine.evaluate import score
from engine.files import find_experiment
from engine.session import Session

EXPERIMENTS = {
    "straight-line": find_experiment("straight-line"),
    "straight-line-linear": find_experiment("straight-line-linear"),
    "line-deep": find_experiment("line-deep"),
    "circles-relu": find_experiment("circles-relu"),
}
LOSSES = {  # epoch: train loss, test loss
    "straight-line": {
        0: (0.31288138031959534, 0.48106518387794495),
        10: (0.1976713240146637, 0.3463551998138428),
        50: (0.04167863354086876, 0.09919948130846024),
        90: (0.02788739837706089, 0.06473556160926819),
        150: (0.0072835334576666355, 0.016474086791276932),
        190: (0.008932482451200485, 0.005023092031478882),
    },
    "straight-line-linear": {
        0: (0.5551779866218567, 0.5739762187004089),
        100: (0.006215683650225401, 0.014086711220443249),
        900: (0.0012645035749301314, 0.013801801018416882),
    },
    "line-deep": {0: (0.75986, 0.54143), 100: (0.09309, 0.02901), 900: (0.05571, 0.00603)},
    "circles-relu": {0: (0.69295, 0.69319), 500: (0.68102, 0.67941), 900: (0.62362, 0.62145)},
}
ACCURACIES = {0: (50.00, 50.00), 500: (52.75, 56.50), 900: (74.00, 79.00)}  # of circles-relu, in percent
PARAMETERS = {  # after so many epochs
    ("straight-line", 0): {"weights": 0.33669036626815796, "bias": 0.12880940735340118},
    ("straight-line", 100): {"weights": 0.5784404277801514, "bias": 0.3513098657131195},
    ("straight-line", 200): {"weights": 0.6990308165550232, "bias": 0.3093104660511017},
    ("straight-line-linear", 1000): {
        "linear_layer.weight": 0.6968093514442444,
        "linear_layer.bias": 0.3025088608264923,
    },
}
TOLERANCE = {"straight-line": 1e-6, "straight-line-linear": 1e-5, "line-deep": 1e-5, "circles-relu": 1e-5}


@pytest.fixture(scope="module", params=EXPERIMENTS)
def fitted(request) -> tuple[str, Session]:
    session = Session(EXPERIMENTS[request.param])
    session.advance()
    return request.param, session


def test_the_losses_are_the_published_ones(fitted):
    name, session = fitted
    for epoch, (train, test) in LOSSES[name].items():
        got = tuple(session.history.losses[epoch])
        assert got == pytest.approx((train, test), rel=0, abs=TOLERANCE[name]), f"epoch {epoch}"


@pytest.mark.parametrize(("name", "epochs"), PARAMETERS)
def test_the_parameters_are_the_published_ones(name, epochs):
    session = Session(EXPERIMENTS[name])
    session.advance(epochs=epochs)
    got = {key: value.item() for key, value in session.parameters().items()}
    assert got == pytest.approx(PARAMETERS[name, epochs], rel=0, abs=TOLERANCE[name])


def test_the_accuracies_of_the_circles_are_the_published_ones():
    session = Session(EXPERIMENTS["circles-relu"])
    for epoch, (train, test) in ACCURACIES.items():
        session.advance(epochs=epoch - session.epoch)
        assert f"{100 * score(session).accuracies['train']:.2f}" == f"{train:.2f}", "before the epoch's update"
        session.advance(epochs=1)
        assert f"{100 * score(session).accuracies['test']:.2f}" == f"{test:.2f}", "after it"


@pytest.mark.parametrize("name", ["straight-line", "straight-line-linear"])
def test_the_presets_have_the_course_s_data_loss_optimizer_and_seed(name):
    experiment = find_experiment(name)
    assert experiment.data == ex.Data(
        source=ex.StraightLine(weight=0.7, bias=0.3, start=0.0, end=1.0, step=0.02),
        split=ex.Split(train=80, validation=0, method="in order"),
    )
    assert experiment.fit == ex.Fit(
        loss=ex.L1Loss(), optimizer=ex.SGD(lr=0.01), seed=42, epochs=200 if name == "straight-line" else 1000
    )


def test_the_last_epoch_of_the_straight_line_is_luck_and_the_session_shows_it():
    """From about epoch 165 L1 with SGD 0.01 swings between two points."""
    session = Session(EXPERIMENTS["straight-line"])
    session.advance()
    tail = session.history.column("test")[170:]
    assert (tail[:-2:2] == pytest.approx(tail[2::2], abs=1e-5)) and abs(tail[0] - tail[1]) > 1e-3
