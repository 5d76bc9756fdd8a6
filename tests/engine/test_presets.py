"""The experiments that come with Sixstep: every one of them learns something, in a moment, and its data are at hand."""

from __future__ import annotations

import csv
import math
import time

import numpy as np
import pytest
from PIL import Image

from engine import experiment as ex
from engine.evaluate import score
from engine.files import PRESETS, RESOURCES, find_experiment, preset_names
from engine.session import Session
from tools import make_samples

LEAST = {  # accuracy or R² on the test set
    "blobs": 0.98,
    "breast-cancer": 0.9,
    "circles-layers": 0.8,
    "circles-relu": 0.8,
    "diabetes": 0.3,
    "digits": 0.95,
    "even-odd-transfer": 0.97,
    "flats": 0.9,
    "formula": 0.95,
    "four-classes": 0.98,
    "iris": 0.9,
    "line-deep": -math.inf,  # L1 with a large step swings about: the last epoch is luck
    "lstm": 0.85,
    "moons": 0.97,
    "painted": 0.8,
    "pictures": 0.85,
    "polynomial": 0.9,
    "remarks": 0.8,
    "sine": 0.9,
    "spirals": 0.95,
    "straight-line": 0.9,
    "straight-line-linear": 0.99,
    "tiny-vgg": 0.8,
    "transformer": 0.75,
    "weather": 0.8,
    "wine": 0.9,
    "xor": 0.85,
}
KINDS = {type(find_experiment(name).data.source) for name in preset_names()}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_learns_in_a_moment(name):
    session = Session(find_experiment(name))
    started = time.monotonic()
    session.advance()
    assert time.monotonic() - started < 60
    losses = session.history.column("train")
    assert np.isfinite(losses).all() and losses[-1] < 0.9 * losses[0]
    scores = score(session)
    assert scores.test.get("accuracy", scores.test.get("R²")) > LEAST[name]


def test_every_source_has_a_preset():
    sources = set(ex.Source.__args__) - {ex.ParquetStream}
    assert sources == KINDS
    bundled = {find_experiment(name).data.source for name in preset_names()} & {
        ex.Bundled(name=name) for name in ("iris", "wine", "breast cancer", "digits")
    }
    assert len(bundled) == 4


def test_every_preset_begins_with_what_it_is():
    for path in PRESETS.glob("*.toml"):
        assert path.read_text(encoding="utf-8").startswith("# "), path.name


def test_the_course_s_presets_are_the_course_s():
    """learnpytorch.io, chapter 02: model_2 on the line, model_3 on the circles."""
    fit = ex.Fit(loss=ex.L1Loss(), optimizer=ex.SGD(lr=0.1), epochs=1000, seed=42)
    line, circles = find_experiment("line-deep"), find_experiment("circles-relu")
    assert line == ex.Experiment(
        data=ex.Data(source=ex.StraightLine(step=0.01), split=ex.Split(train=80, method="in order")),
        model=ex.Layers(hidden=(10, 10), activation="Identity"),
        fit=fit,
    )
    assert circles == ex.Experiment(
        data=ex.Data(
            source=ex.Circles(samples=1000, noise=0.03, factor=0.8, seed=42),
            split=ex.Split(train=80, method="random", seed=42),
        ),
        model=ex.Layers(hidden=(10, 10), activation="ReLU"),
        fit=ex.replace(fit, loss=ex.BCEWithLogitsLoss()),
    )


def test_the_samples_are_what_the_script_makes(tmp_path, monkeypatch):
    monkeypatch.setattr(make_samples, "DATA", tmp_path)
    make_samples.make_flats()
    make_samples.make_remarks()
    make_samples.make_weather()
    make_samples.make_digit_pictures()
    make_samples.make_even_and_odd()
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    there = {path.relative_to(RESOURCES / "data") for path in (RESOURCES / "data").rglob("*") if path.is_file()}
    assert there - set(made) == {path for path in there if path.name in ("README.md", "diabetes.csv")}
    for path in made:
        if path.suffix == ".csv":
            assert (tmp_path / path).read_bytes() == (RESOURCES / "data" / path).read_bytes()
        else:
            with Image.open(tmp_path / path) as one, Image.open(RESOURCES / "data" / path) as other:
                assert (one.size, one.mode, one.tobytes()) == (other.size, other.mode, other.tobytes())


def test_the_samples_have_what_they_are_for():
    with (RESOURCES / "data" / "flats.csv").open(encoding="utf-8") as file:
        flats = list(csv.DictReader(file))
    assert len(flats) == 400 and {row["balcony"] for row in flats} == {"yes", "no"}
    gaps = {name for name in flats[0] if any(row[name] == "" for row in flats)}
    assert gaps == {"area", "built", "lift", "heating"}
    with (RESOURCES / "data" / "remarks.csv").open(encoding="utf-8") as file:
        remarks = list(csv.DictReader(file))
    assert len({row["remark"] for row in remarks}) == len(remarks) == 200
    assert [row["kind"] for row in remarks].count("praise") == 100
