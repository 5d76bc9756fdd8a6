"""A model file whose part for Sixstep is damaged is refused in a sentence, and nothing of it runs."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from engine import experiment as ex
from engine.files import format_experiment
from engine.model_file import open_model
from tests.engine.every_choice import same_state
from tests.engine.model_files import F32, Bomb, npy, refusal, rewrite


def claims(shape: bytes) -> bytes:
    """An array of [5, 3] whose header says another shape."""
    content = npy(np.zeros((5, 3), F32))
    before = b"(5, 3), }" + b" " * (len(shape) - 6)
    assert before in content
    return content.replace(before, shape + b", }")


DAMAGED: dict[str, dict[str, bytes | None]] = {
    "experiment: no TOML": {"experiment.toml": b"fit: 3"},
    "experiment: no UTF-8": {"experiment.toml": b"\xff\xfe"},
    "experiment: out of range": {"experiment.toml": b"[fit]\nepochs = 0"},
    "experiment: unknown key": {"experiment.toml": b"[fit]\nmystery = 0"},
    "experiment: deep": {"experiment.toml": b"a." * 3_000 + b"b = 1"},
    "experiment: another model": {"experiment.toml": b'[model]\nkind = "linear-layer"'},
    "experiment: NUL in the table's path": {
        "experiment.toml": b'[data.source]\nkind = "table"\npath = "a\\u0000.csv"\ntarget = "y"\nfeatures = ["a"]'
    },
    "losses: empty": {"losses.npy": b""},
    "losses: no npy": {"losses.npy": b"abc" * 50},
    "losses: cut": {"losses.npy": npy(np.zeros((5, 3), F32))[:-1]},
    "losses: only a header": {"losses.npy": npy(np.zeros((5, 3), F32))[:128]},
    "losses: float64": {"losses.npy": npy(np.zeros((5, 3)))},
    "losses: one number": {"losses.npy": npy(np.zeros((), F32))},
    "losses: one column": {"losses.npy": npy(np.zeros((5, 1), F32))},
    "losses: three axes": {"losses.npy": npy(np.zeros((5, 3, 1), F32))},
    "losses: pickle": {"losses.npy": pickle.dumps(Bomb())},
    "losses: npy of pickles": {"losses.npy": npy(np.array([Bomb()], dtype=object), allow_pickle=True)},
    "losses: a zip": {"losses.npy": b"PK\x05\x06" + bytes(18)},
    "losses: huge shape": {"losses.npy": claims(b"(999999999999, 3)")},
    "losses: negative shape": {"losses.npy": claims(b"(-5, 3)")},
    "losses: header is code": {
        "losses.npy": npy(np.zeros((5, 3), F32)).replace(b"'fortran_order'", b"__import__('o')", 1)
    },
    "check X: float64": {"check_X.npy": npy(np.zeros((12, 3)))},
    "check X: one column": {"check_X.npy": npy(np.zeros((12, 1), F32))},
    "check X: no rows": {"check_X.npy": npy(np.zeros((0, 3), F32)), "check_y_pred.npy": npy(np.zeros((0, 1), F32))},
    "check X: more rows": {"check_X.npy": npy(np.zeros((13, 3), F32))},
    "check y: flat": {"check_y_pred.npy": npy(np.zeros(12, F32))},
    "check y: integers": {"check_y_pred.npy": npy(np.zeros((12, 1), np.int32))},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_in_sixstep_s_own_part_is_refused_in_a_sentence_and_runs_nothing(saved, capfd, name):
    path, _ = saved
    refusal(rewrite(path, DAMAGED[name]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["losses.npy", "check_X.npy", "check_y_pred.npy"])
def test_a_part_that_is_missing_is_not_needed(saved, part):
    path, session = saved
    opened = open_model(rewrite(path, {part: None}))
    assert opened.experiment == session.experiment
    assert (opened.losses is None) is (part == "losses.npy")
    assert (opened.difference is None) is part.startswith("check")


def test_without_its_experiment_the_file_is_one_from_elsewhere(saved):
    path, session = saved
    opened = open_model(rewrite(path, {"experiment.toml": None}))
    assert opened.experiment is None and opened.model == ex.Layers(hidden=(4,))
    assert same_state(opened.module.state_dict(), session.model.state_dict())


def test_an_experiment_that_claims_a_giant_model_is_refused_before_memory_is_taken(saved, warm_python, tmp_path):
    path, session = saved
    giant = ex.replace(session.experiment, model=ex.Layers(hidden=(65_536, 65_536)))
    rewrite(path, {"experiment.toml": format_experiment(giant).encode()})
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from engine.model_file import open_model
from engine.errors import InputError
from pathlib import Path
try:
    open_model(Path("model.pt"))
except InputError as error:
    print(error)
"""
    (tmp_path / "open.py").write_text(code)
    finished = warm_python.run(tmp_path / "open.py", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert finished.out.startswith("model.pt")
