"""Step 6: one .pt file that is a plain state_dict for everyone and a whole experiment for Sixstep."""

from __future__ import annotations

import io
import itertools
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from engine import experiment as ex
from engine.choices import OPTIMIZERS as EVERY_OPTIMIZER
from engine.errors import InputError
from engine.files import format_experiment, set_value
from engine.model_file import open_model, restore, save_model
from engine.models.build import build_model
from engine.session import Session
from tests.engine.every_choice import MODELS, SPLITS, STACKS, label, same_state

ALL_MODELS = [model for model in [*MODELS, *STACKS] if not isinstance(model, ex.OwnCode)]


def fitted(experiment: ex.Experiment, epochs: int = 5) -> Session:
    session = Session(experiment)
    session.advance(epochs=epochs)
    session.extend(epochs)
    return session


@pytest.fixture
def saved(tmp_path, table) -> tuple[Path, Session]:
    """A small model file, made from a table that lies beside it."""
    shutil.copy(table.path, tmp_path / "mine.csv")
    source = ex.replace(table, path=str(tmp_path / "mine.csv"))
    experiment = ex.Experiment(data=ex.Data(source=source, split=SPLITS[1]), model=ex.Layers(hidden=(4,)))
    session = fitted(experiment)
    save_model(tmp_path / "model.pt", session)
    return tmp_path / "model.pt", session


def rewrite(path: Path, changes: dict[str, bytes | None]) -> Path:
    """The zip with some members under sixstep/ replaced, or left out (None)."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    assert all(f"archive/sixstep/{name}" in members for name in changes)
    members |= {f"archive/sixstep/{name}": content for name, content in changes.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def npy(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_model(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".") and len(message) < 600
    return message


# ----------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("split", SPLITS[::3], ids=label)
@pytest.mark.parametrize("model", ALL_MODELS, ids=label)
@pytest.mark.parametrize("source", ["straight line", "table"])
def test_a_saved_model_opens_as_what_it_was_and_predicts_exactly_the_same(tmp_path, table, source, model, split):
    data = ex.Data(source=table if source == "table" else ex.StraightLine(), split=split)
    session = fitted(ex.Experiment(data=data, model=model))
    save_model(tmp_path / "model.pt", session)
    opened = open_model(tmp_path / "model.pt")
    assert opened.difference == 0.0 and opened.warnings == ()
    assert opened.experiment == session.experiment and opened.model == model
    assert (opened.inputs.size, opened.n_outputs) == (len(session.dataset.features), 1)
    assert opened.losses.tobytes() == session.history.losses.tobytes()
    assert same_state(opened.module.state_dict(), session.model.state_dict())
    plain = torch.load(tmp_path / "model.pt", weights_only=True)
    assert same_state(dict(plain), session.model.state_dict())
    build_model(model, opened.inputs).load_state_dict(plain)


def test_an_opened_model_continues_as_a_session(saved):
    path, session = saved
    again = Session(session.experiment)
    restore(again, open_model(path))
    assert again.epoch == session.epoch == 5 and again.history.losses.tobytes() == session.history.losses.tobytes()
    assert same_state(again.model.state_dict(), session.model.state_dict())
    assert np.array_equal(again.predict(again.dataset.X_test), session.predict(session.dataset.X_test))


def test_opening_a_model_leaves_torch_s_random_numbers_and_the_file_alone(saved):
    path, _ = saved
    before = path.read_bytes()
    opened = open_model(path)
    with torch.no_grad():
        next(opened.module.parameters()).zero_()
    assert path.read_bytes() == before and open_model(path).difference == 0.0


def test_a_model_that_was_never_fitted_can_be_saved(tmp_path):
    save_model(tmp_path / "new.pt", fitted(ex.Experiment(), epochs=0))
    opened = open_model(tmp_path / "new.pt")
    assert opened.losses.shape == (0, 2) and opened.difference == 0.0


def test_the_file_says_when_its_weights_and_its_predictions_are_not_of_one_run(saved):
    path, session = saved
    y_pred = session.predict(session.dataset.X_test)
    rewrite(path, {"check_y_pred.npy": npy(y_pred + np.float32(0.25))})
    assert open_model(path).difference == pytest.approx(0.25, abs=1e-6)


def test_a_table_that_moved_together_with_the_model_is_found(saved, tmp_path):
    _, session = saved
    (tmp_path / "new place").mkdir()
    for name in ("model.pt", "mine.csv"):
        (tmp_path / name).rename(tmp_path / "new place" / name)
    opened = open_model(tmp_path / "new place" / "model.pt")
    assert opened.experiment.data.source.path == str(tmp_path / "new place" / "mine.csv")
    assert Session(opened.experiment).dataset.X_train.equal(session.dataset.X_train)


def test_a_table_that_is_still_there_is_not_looked_for_beside_the_model(saved, tmp_path):
    path, session = saved
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(path, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "mine.csv").write_text("another")
    assert open_model(tmp_path / "elsewhere" / "model.pt").experiment == session.experiment


def test_a_model_whose_table_is_gone_still_opens(saved, tmp_path):
    path, session = saved
    (tmp_path / "mine.csv").unlink()
    opened = open_model(path)
    assert opened.experiment == session.experiment and opened.difference == 0.0


# ------------------------------------------------------------------------------------------------------- damaged


class Bomb:
    def __reduce__(self):
        return (print, ("this code came out of a file",))


F32 = np.float32


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


# -------------------------------------------------------------------------------------------------- from elsewhere


class CourseModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(1))
        self.bias = nn.Parameter(torch.randn(1))


class CourseModelV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_layer = nn.Linear(1, 1)


def stack(*sizes: int) -> nn.Sequential:
    layers = [(nn.Linear(n_in, n_out), nn.Tanh()) for n_in, n_out in itertools.pairwise(sizes)]
    return nn.Sequential(*itertools.chain.from_iterable(layers))[:-1]


FOREIGN = {
    "the course's first": (CourseModel(), ex.LinearRegressionModel(), 1, 1),
    "the course's second": (CourseModelV2(), ex.LinearRegressionModelV2(), 1, 1),
    "one Linear in a stack": (stack(4, 1), ex.Layers(hidden=()), 4, 1),
    "a stack": (stack(2, 10, 10, 1), ex.Layers(hidden=(10, 10)), 2, 1),
    "a stack with three outputs": (stack(5, 7, 3), ex.Layers(hidden=(7,)), 5, 3),
}


def from_cuda(content: bytes) -> bytes:
    """The same file as a machine with a GPU writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("/data.pkl"):
                assert b"X\x03\x00\x00\x00cpu" in data
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(info.filename, data)
    return buffer.getvalue()


@pytest.mark.parametrize("way", ["torch.save", "legacy", "safetensors", "checkpoint", "cuda", "DataParallel"])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_from_elsewhere_opens_with_the_model_that_its_keys_and_shapes_tell(tmp_path, name, way):
    module, model, n_features, n_targets = FOREIGN[name]
    path, state = tmp_path / "theirs.pt", module.state_dict()
    match way:
        case "legacy":
            torch.save(state, path, _use_new_zipfile_serialization=False)
        case "safetensors":
            path = tmp_path / "theirs.safetensors"
            safetensors.torch.save_file(state, path)
        case "checkpoint":
            torch.save({"epoch": 3, "model_state_dict": state}, path)
        case "DataParallel":
            torch.save({f"module.{key}": value for key, value in state.items()}, path)
        case _:
            torch.save(state, path)
    if way == "cuda":
        path.write_bytes(from_cuda(path.read_bytes()))
    opened = open_model(path)
    assert (opened.model, opened.inputs.size, opened.n_outputs) == (model, n_features, n_targets)
    assert (opened.experiment, opened.losses, opened.difference) == (None, None, None)
    got = opened.module.state_dict()
    assert got.keys() == state.keys() and all(torch.equal(got[key], state[key]) for key in state)
    assert any("activation" in warning for warning in opened.warnings) is bool(getattr(model, "hidden", ()))


@pytest.mark.parametrize(
    "state",
    [
        {"weights": torch.ones(2, 2), "bias": torch.ones(1)},
        {"weights": torch.ones(2), "bias": torch.ones(2)},
        {"linear_layer.weight": torch.ones(3), "linear_layer.bias": torch.ones(1)},
        {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(2)},
        {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(3), "2.weight": torch.ones(1, 4), "2.bias": torch.ones(1)},
        {"conv.weight": torch.ones(3, 3, 3, 3)},
        nn.LSTM(3, 4, 2).state_dict(),
    ],
    ids=lambda state: ", ".join(state)[:60],
)
def test_weights_of_no_known_model_are_refused_with_their_keys(tmp_path, state):
    torch.save(state, tmp_path / "theirs.pt")
    assert refusal(tmp_path / "theirs.pt")


def test_linear_layers_with_a_mismatched_bias_are_refused(tmp_path):
    torch.save({"linear_layer.weight": torch.ones(1, 3), "linear_layer.bias": torch.ones(2)}, tmp_path / "theirs.pt")
    assert "linear_layer.bias" in refusal(tmp_path / "theirs.pt")


# ------------------------------------------------------------------------------------------------------- writing


def test_saving_over_an_older_model_replaces_it_whole(saved):
    path, session = saved
    session.extend(10)
    session.advance(epochs=5)
    save_model(path, session)
    assert len(open_model(path).losses) == 10
    assert sorted(each.name for each in path.parent.iterdir()) == ["mine.csv", "model.pt"]


def test_a_model_that_cannot_be_written_is_said_in_a_sentence(saved, tmp_path):
    _, session = saved
    with pytest.raises(InputError) as caught:
        save_model(tmp_path / "nowhere" / "model.pt", session)
    assert "nowhere" in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_s_experiment_can_be_changed_and_fitted_anew(saved):
    path, _ = saved
    experiment = set_value(open_model(path).experiment, "fit.optimizer.lr=0.5")
    assert fitted(experiment).epoch == 5


OPTIMIZERS = [kind() for kind in EVERY_OPTIMIZER]
OPTIMIZERS += [ex.SGD(momentum=0.9, nesterov=True), ex.Adam(lr=0.01, amsgrad=True)]
OPTIMIZERS += [ex.optimizers.LBFGS(history_size=3, line_search_fn="strong_wolfe"), ex.optimizers.RMSprop(centered=True)]
MATRICES = ex.Sequential(layers=(ex.layers.Linear(out_features=5, bias=False), ex.layers.Linear(bias=False)))


def half_way(optimizer: ex.Optimizer) -> Session:
    model = MATRICES if isinstance(optimizer, ex.optimizers.Muon) else ex.Layers(hidden=(5,))
    session = Session(ex.Experiment(model=model, fit=ex.Fit(optimizer=optimizer, epochs=40)))
    session.advance(epochs=15)
    return session


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=label)
def test_a_reopened_model_goes_on_to_the_bit_as_if_it_had_never_been_saved(tmp_path, optimizer):
    session = half_way(optimizer)
    save_model(tmp_path / "half.pt", session)
    opened = open_model(tmp_path / "half.pt")
    assert opened.experiment.fit.epochs == 15, "the experiment in the file is the one that gives this model"
    again = Session(opened.experiment)
    restore(again, opened)
    for each in (session, again):
        each.extend(40)
        each.advance()
    assert again.can_go_on
    assert np.array_equal(again.history.losses, session.history.losses)
    assert same_state(again.model.state_dict(), session.model.state_dict())


@pytest.mark.parametrize(
    ("removed", "added", "content"),
    [
        ("0.exp_avg", None, b""),
        (None, "9.exp_avg", npy(np.zeros((5, 1), F32))),
        ("0.exp_avg", "0.exp_avg", npy(np.zeros((5, 2), F32))),
        (None, "x.exp_avg", npy(np.zeros((5, 1), F32))),
        (None, "0.__class__", npy(np.zeros((5, 1), F32))),
        ("0.exp_avg", "0.exp_avg", b"no array"),
    ],
)
def test_a_damaged_optimizer_in_the_file_is_refused_in_a_sentence(tmp_path, removed, added, content):
    path = tmp_path / "half.pt"
    save_model(path, half_way(ex.Adam()))
    if removed:
        path = rewrite(path, {f"optimizer/{removed}.npy": None})
    if added:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"archive/sixstep/optimizer/{added}.npy", content)
    with pytest.raises(InputError, match=path.name):
        opened = open_model(path)
        restore(Session(opened.experiment), opened)


LISTS = b'{"0": {"func_evals": 3, "n_iter": 2, "old_dirs": [null, null]}}'


@pytest.mark.parametrize(
    ("numbers", "arrays"),
    [
        (b"no json", {}),
        (b'{"0": {"func_evals": "three"}}', {}),
        (b'{"x": {"func_evals": 3}}', {}),
        (b'{"1": {"func_evals": 3}}', {}),
        (b'{"0": {"func_evals": 3, "another": 1}}', {}),
        (LISTS, {"0.old_dirs.2": npy(np.zeros(16, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.zeros(17, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.zeros(16, np.complex64))}),
        (LISTS, {"0.d.0": npy(np.zeros(16, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.array([Bomb()], dtype=object), allow_pickle=True)}),
    ],
)
def test_damaged_lists_and_numbers_of_an_optimizer_are_refused_in_a_sentence(tmp_path, capfd, numbers, arrays):
    path = tmp_path / "half.pt"
    save_model(path, half_way(ex.optimizers.LBFGS()))
    with zipfile.ZipFile(path) as archive:
        own = [name.removeprefix("archive/sixstep/") for name in archive.namelist() if "/optimizer" in name]
    rewrite(path, dict.fromkeys(own))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/sixstep/optimizer.json", numbers)
        for name, content in arrays.items():
            archive.writestr(f"archive/sixstep/optimizer/{name}.npy", content)
    with pytest.raises(InputError, match=path.name):
        opened = open_model(path)
        restore(Session(opened.experiment), opened)
    assert capfd.readouterr() == ("", "")
