"""What goes wrong on the command line: exit code 2, one line that starts with "Error:", and nothing is written."""

from __future__ import annotations

import pytest
import torch

from tests.command.test_command_reports import BAD

TABLE = "a,b,y\n1,2,3\n2,3,4\n3,5,5\n4,4,6\n5,6,8\n6,5,9\n7,8,9\n8,9,11\n"
FIT = ("fit", "straight-line", "--out", "out")
OWN = (*FIT, "--data", "table.csv")
NO_TORCH = {  # arguments: what the line must name
    ("fit", "nope", "--out", "out"): "straight-line",
    ("fit", "nope.toml", "--out", "out"): "nope.toml",
    ("fit", "broken.toml", "--out", "out"): "fit.epochs",
    ("fit", "folder", "--out", "out"): "folder",
    ("fit", "table.csv", "--out", "out"): "table.csv",
    ("fit", "--out", "out"): "EXPERIMENT",
    ("fit", "straight-line"): "--out",
    (*FIT, "--mystery"): "--mystery",
    (*FIT, "--epochs", "many"): "--epochs",
    (*FIT, "--epochs", "0"): "fit.epochs",
    (*FIT, "--epochs", "-3"): "fit.epochs",
    (*FIT, "--set", "fit.epochs"): "key=value",
    (*FIT, "--set", "fit.optimizer.lr=-1"): "fit.optimizer.lr",
    (*FIT, "--set", "fit.optimizer.lr=nan"): "fit.optimizer.lr",
    (*FIT, "--set", "fit.optimizer.name=Adamix"): "SGD, Adam",
    (*FIT, "--set", "fit.epochs=" + "9" * 5_000): "fit.epochs",
    (*FIT, "--set", "fit.epochs=" + "[" * 5_000): "fit.epochs",
    (*FIT, "--target", "y"): "--data",
    (*FIT, "--features", "a"): "--data",
    (*FIT, "--data", "missing.csv"): "missing.csv",
    (*FIT, "--data", "folder"): "folder",
    (*OWN, "--target", "z"): "z",
    (*OWN, "--features", "a,z"): "z",
    (*OWN, "--features", "a,y", "--target", "y"): "y",
    (*OWN, "--features", "a,a"): "a",
    (*OWN, "--features", ","): "--features",
    ("fit", "straight-line", "--out", "file"): "file",
    ("fit", "straight-line", "--out", "file/out"): "file",
    ("--mystery",): "COMMAND",
    ("script", "nope"): "straight-line",
    ("predict", "model.pt"): "DATA.csv",
    ("inspect",): "file",
}
WITH_TORCH = {
    (*FIT, "--device", "abacus"): "abacus",
    (*FIT, "--data", "small.csv"): "small.csv",
    (*FIT, "--set", "data.split.train=1"): "1 %",
    ("predict", "missing.pt", "table.csv", "--out", "out"): "missing.pt",
    ("predict", "model.pt", "missing.csv", "--out", "out"): "missing.csv",
    ("predict", "model.pt", "table.csv", "--out", "out"): "2",
    ("predict", "model.pt", "gap.csv", "--out", "out"): "gap.csv",
    ("predict", "model.pt", "good.csv", "--out", "folder"): "folder",
    ("predict", "model.pt", "good.csv", "--out", "nowhere/out.csv"): "nowhere",
    ("predict", "table.csv", "table.csv", "--out", "out"): "table.csv",
    ("predict", "hostile.pt", "table.csv", "--out", "out"): "hostile.pt",
    ("predict", "torn.pt", "table.csv", "--out", "out"): "torn.pt",
    ("script", "gone.toml"): "gone.csv",
    ("fit", "gone.toml", "--out", "out"): "gone.csv",
    ("fit", "column.toml", "--out", "out"): "z",
    ("fit", "giant.toml", "--out", "out"): "memory",
}
SOURCE = '[data.source]\nkind = "table"\npath = "{}"\ntarget = "y"\nfeatures = ["{}"]\n'


@pytest.fixture
def folder(tmp_path):
    """Files to go wrong with."""
    (tmp_path / "folder").mkdir()
    for name, text in {
        "table.csv": TABLE,
        "small.csv": "a,y\n1,2\n",
        "good.csv": "a,b\n1,2\n3,4\n",
        "gap.csv": "a,b\n1,2\n3,\n",
        "file": "kept",
        "broken.toml": "[fit]\nepochs = 0\n",
        "gone.toml": SOURCE.format("gone.csv", "a"),
        "column.toml": SOURCE.format("table.csv", "z"),
        "giant.toml": '[model]\nkind = "layers"\nhidden = [65536, 65536, 65536, 65536]\n',
    }.items():
        (tmp_path / name).write_text(text)
    for name in ("hostile.pt", "torn.pt"):
        (tmp_path / name).write_bytes(BAD[name])
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 1)).state_dict(), tmp_path / "model.pt")
    return tmp_path


def assert_one_line_and_nothing_written(finished, folder, before, named) -> None:
    assert finished.code == 2, finished.err
    assert finished.err.startswith("Error: ") and finished.err.count("\n") == 1 and "Traceback" not in finished.err
    assert named in finished.err and "  " not in finished.err and finished.out == ""
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before and {path.name for path in folder.iterdir() if path.is_dir()} <= {"folder", "out"}


def short(arguments) -> str:
    return " ".join(arguments)[:70]


@pytest.mark.parametrize("arguments", NO_TORCH | WITH_TORCH, ids=short)
def test_an_error_is_one_line_with_a_remedy_and_leaves_no_file(sixstep, folder, arguments):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    finished = sixstep(*arguments)
    assert_one_line_and_nothing_written(finished, folder, before, (NO_TORCH | WITH_TORCH)[arguments])


@pytest.mark.parametrize("arguments", [("fit", "nope", "--out", "out"), (*FIT, "--epochs", "0")], ids=short)
def test_a_new_python_says_the_same(new_python, folder, arguments):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert_one_line_and_nothing_written(new_python(*arguments), folder, before, NO_TORCH[arguments])
