"""Own code at the command line: it runs with --trust-code alone, in a process of its own."""

from __future__ import annotations

import csv
import json

import pytest

from engine import experiment as ex
from engine.experiment.own_code import EXAMPLE
from engine.files import write_experiment


@pytest.fixture
def marked(tmp_path):
    """An experiment whose code makes the file "it ran" when it runs."""
    code = f"open({str(tmp_path / 'it ran')!r}, 'w').close()\n{EXAMPLE}"
    experiment = ex.Experiment(model=ex.OwnCode(code=code), fit=ex.Fit(epochs=3))
    write_experiment(tmp_path / "own.toml", experiment)
    return tmp_path / "own.toml"


def test_nothing_runs_without_trust(sixstep, marked, tmp_path):
    fit = sixstep("fit", "own.toml", "--out", "results")
    assert fit.code == 2 and fit.err.startswith("Error: ") and fit.err.count("\n") == 1
    assert "--trust-code" in fit.err and "nothing of it has run" in fit.err
    assert not (tmp_path / "results").exists()

    script = sixstep("script", "own.toml")
    assert script.code == 0 and f"open({str(tmp_path / 'it ran')!r}, 'w')" in script.out

    inspect = sixstep("inspect", "own.toml", "--json")
    report = json.loads(inspect.out)
    assert inspect.code == 0 and report["status"] == "warning" and "brings its own code" in report["messages"][0]
    assert not (tmp_path / "it ran").exists()


def test_with_trust_it_fits_saves_and_predicts(sixstep, marked, tmp_path):
    fit = sixstep("fit", "own.toml", "--out", "results", "--trust-code")
    assert (fit.code, (tmp_path / "it ran").exists()) == (0, True), fit.err
    with (tmp_path / "results" / "history.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 4
    assert "class MyModel(nn.Module):" in (tmp_path / "results" / "script.py").read_text()

    (tmp_path / "new.csv").write_text("X\n0.5\n0.7\n")
    (tmp_path / "it ran").unlink()
    refused = sixstep("predict", "results/model.pt", "new.csv", "--out", "answers.csv")
    assert refused.code == 2 and "--trust-code" in refused.err
    inspect = json.loads(sixstep("inspect", "results/model.pt", "--json").out)
    assert any("brings its own code" in message for message in inspect["messages"])
    inspect = sixstep("inspect", "results/model.pt").out.splitlines()
    n_lines = len(EXAMPLE.splitlines()) + 1
    assert inspect[2].startswith(f"It brings its own code ({n_lines} lines") and "largest" not in "".join(inspect)
    assert f'  code = "own code, {n_lines} lines"' in inspect and not any("class MyModel" in line for line in inspect)
    assert not (tmp_path / "it ran").exists() and not (tmp_path / "answers.csv").exists()

    predict = sixstep("predict", "results/model.pt", "new.csv", "--out", "answers.csv", "--trust-code")
    assert predict.code == 0, predict.err
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import torch\nclass M(:\n", "Error: Own code, line 2: "),
        (EXAMPLE.replace("in_features=16", "in_features=8"), "expects 8 features"),
    ],
)
def test_code_that_does_not_work_is_a_sentence_with_its_line(sixstep, tmp_path, code, says):
    write_experiment(tmp_path / "own.toml", ex.Experiment(model=ex.OwnCode(code=code)))
    fit = sixstep("fit", "own.toml", "--out", "results", "--trust-code")
    assert fit.code == 2 and says in fit.err and fit.err.count("\n") == 1 and ", line " in fit.err
    assert not (tmp_path / "results").exists()
