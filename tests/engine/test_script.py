"""The exported script is the oracle: in a fresh process it prints the session's losses to the last bit."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.choices import ACTIVATIONS, LOSSES, OPTIMIZERS
from engine.evaluate import score
from engine.files import find_experiment, set_value
from engine.script import script
from engine.session import Session
from tests.engine.every_choice import ALL_OPTIMIZERS, SPLITS, every_fit, label, source_for

SECTIONS = ["1. Get data", "2. Build a model", "3. Fit", "4. Evaluate", "5. Improve", "6. Save"]
DATA = itertools.cycle(itertools.product(["table", "straight line"], SPLITS))
WALK = [(*fit, *data) for fit, data in zip(every_fit(), DATA, strict=False)]
IDS = [", ".join(each if isinstance(each, str) else label(each) for each in row) for row in WALK]
EUROPEAN = (
    "Fläche;Preis (€);Zimmer\n"
    + "".join(f"{40 + i % 17},{i % 10};{150 + 3 * (i % 17)},{(3 * i) % 10};{1 + i % 4}\n" for i in range(80))
    + "55,5;;2\nNA;200,0;3\n70,0;260,5;?\n"
)


def printed(out: str) -> tuple[np.ndarray, str, str]:
    """The losses [n_epochs, n_splits] that a script printed, and its last two lines."""
    *epochs, scores, reloaded = out.splitlines()
    rows = [line.split() for line in epochs]
    assert [row[0] for row in rows] == [str(epoch) for epoch in range(len(rows))]
    return np.array([row[1:] for row in rows], dtype=np.float64), scores, reloaded


def assert_prints_what_the_session_did(session: Session, out: str) -> None:
    losses, scores, reloaded = printed(out)
    assert losses.tobytes() == session.history.losses.astype(np.float64).tobytes()
    expected = score(session)
    if session.preparation.classes:
        assert scores == f"accuracy {100 * expected.test['accuracy']:.2f} %"
    else:
        assert scores == "MAE {MAE:.6g}  RMSE {RMSE:.6g}  R2 {R²:.6g}".format(**expected.test)
    assert reloaded == "Largest difference after reloading: 0.0"


def fitted(experiment: ex.Experiment) -> tuple[Session, str]:
    session = Session(experiment)
    session.advance()
    return session, script(experiment, session.device, session.dataset.reading)


def run_warm(warm_python, folder: Path, code: str) -> str:
    (folder / "script.py").write_text(code)
    finished = warm_python.run(folder / "script.py", cwd=folder)
    assert (finished.code, finished.err) == (0, "")
    return finished.out


def test_the_walk_has_every_row_of_the_tables():
    models, losses, optimizers, *_ = zip(*WALK, strict=True)
    assert {type(loss) for loss in losses} == LOSSES.keys() and {type(part) for part in optimizers} == OPTIMIZERS.keys()
    assert {model.activation for model in models if isinstance(model, ex.Layers)} == ACTIVATIONS.keys()


@pytest.mark.parametrize(("model", "loss", "optimizer", "source", "split"), WALK, ids=IDS)
def test_the_script_in_a_process_of_its_own_prints_the_session_s_losses_to_the_last_bit(
    warm_python, tmp_path, table, shares, model, loss, optimizer, source, split
):
    numbers = table if source == "table" else ex.StraightLine(step=0.03, weight=-1.5)
    data = ex.Data(source=source_for(loss, numbers, shares), split=split)
    session, code = fitted(ex.Experiment(data=data, model=model, fit=ex.Fit(loss=loss, optimizer=optimizer, epochs=12)))
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_the_script_of_the_table_preset_run_by_a_new_python_does_the_same(tmp_path):
    session, code = fitted(set_value(find_experiment("diabetes"), "fit.epochs=30"))
    (tmp_path / "script.py").write_text(code)
    child = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stderr) == (0, "")
    assert_prints_what_the_session_did(session, child.stdout)
    state = torch.load(tmp_path / "model_from_script.pt", weights_only=True)
    assert all(np.array_equal(state[key].numpy(), value) for key, value in session.parameters().items())


def test_a_european_table_with_gaps_gives_the_same_bits_in_its_script(warm_python, tmp_path):
    path = tmp_path / "Häuser; \"alt\" [1].csv"
    path.write_bytes(EUROPEAN.encode())
    source = ex.Table(path=str(path), target="Preis (€)", features=("Zimmer", "Fläche"))
    data = ex.Data(source=source, split=SPLITS[3])
    session, code = fitted(ex.Experiment(data=data, fit=ex.Fit(optimizer=ex.Adam(lr=0.1), epochs=20)))
    assert len(session.dataset.X_train) == 48 and session.dataset.warnings
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_work_for_several_threads_gives_the_same_bits_in_its_script(warm_python, tmp_path):
    source = ex.StraightLine(step=1 / 4000)
    fit = ex.Fit(loss=ex.MSELoss(), optimizer=ex.Adam(), epochs=6)
    session, code = fitted(ex.Experiment(data=ex.Data(source=source), model=ex.Layers(hidden=(96, 96)), fit=fit))
    assert session.n_threads == torch.get_num_threads() and len(session.dataset.X_train) * 96 > 200_000
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_a_flat_line_s_r2_is_nan_in_the_script_too(warm_python, tmp_path):
    data = ex.Data(source=ex.StraightLine(weight=0.0))
    session, code = fitted(ex.Experiment(data=data, fit=ex.Fit(epochs=3)))
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


# ------------------------------------------------------------------------------------------------------ its text


@pytest.mark.parametrize(("model", "loss", "optimizer", "source", "split"), WALK, ids=IDS)
def test_the_script_has_the_six_steps_and_names_nothing_of_sixstep(table, model, loss, optimizer, source, split):
    numbers = table if source == "table" else ex.StraightLine()
    fit = ex.Fit(loss=loss, optimizer=optimizer)
    code = script(ex.Experiment(data=ex.Data(source=numbers, split=split), model=model, fit=fit))
    tree = ast.parse(code)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    drawn = {"numpy", "sklearn.model_selection"} if split.method == "random" else set()
    assert {"torch"} <= modules - drawn <= {"torch", "polars", "copy"} and drawn <= modules
    assert ("polars" in modules) is isinstance(numbers, ex.Table)
    assert "sixstep" not in code.lower() and "engine" not in code
    places = [code.find(f"\n# {section}") for section in SECTIONS]
    assert -1 not in places and places == sorted(places)
    assert f"torch.manual_seed({fit.seed})" in code and f"lr={optimizer.lr!r}" in code
    assert max(map(len, code.splitlines())) <= 120 or isinstance(numbers, ex.Table)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS, ids=label)
def test_the_script_says_the_learning_rate_and_what_is_not_torch_s_default(optimizer):
    code = script(ex.Experiment(fit=ex.Fit(optimizer=optimizer)))
    is_muon = isinstance(optimizer, ex.optimizers.Muon)  # it stands in a class with AdamW
    name = "MuonWithAdamW" if is_muon else f"torch.optim.{type(optimizer).__name__}"
    call = next(
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    )
    said = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    options, default = msgspec.structs.asdict(optimizer), msgspec.structs.asdict(type(optimizer)())
    assert said == {name: value for name, value in options.items() if value != default[name] or name == "lr"}


@pytest.mark.parametrize(
    "text", ["a'b", 'a"b', "a'b\"c", "a\\b", "a\nb", "{a}", "%s", "é€", "\u2028", "'''", '"""', "a\tb", "#", "\\"]
)
def test_names_of_columns_and_files_are_said_exactly(text):
    source = ex.Table(path=f"/data/{text}.csv", target=f"{text} y", features=(text, f"{text}2"))
    tree = ast.parse(script(ex.Experiment(data=ex.Data(source=source))))
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {source.path, source.target, *source.features} <= said


def test_the_script_goes_to_the_device_of_the_run():
    assert 'device = "cuda"' in script(ex.Experiment(), "cuda") and 'device = "cpu"' in script(ex.Experiment())


def test_a_script_for_a_gpu_says_that_its_last_digits_can_differ_and_one_for_the_cpu_does_not():
    assert "the last digits can differ" in script(ex.Experiment(), "cuda")
    assert "the last digits can differ" not in script(ex.Experiment(), "cpu")
