"""Parquet that stays on disk: each row once an epoch, in a drawn order, in bounded memory; the script does so too."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
import torch

from engine import experiment as ex
from engine.data import child
from engine.data.dataset import load_dataset, read_rows
from engine.data.parquet.reader import Reader
from engine.errors import InputError
from engine.evaluate import errors, score
from engine.model_file import open_model, restore, save_model
from engine.script import script
from engine.session import DivergedError, Session
from engine.training.streaming import in_order, shuffled
from tests.engine.every_choice import same_state
from tests.engine.within_memory import __file__ as within_memory

N = 60_000
FEATURES = ("a", "b", "^odd.*$")


def frame(n: int = N, seed: int = 0) -> pl.DataFrame:
    """Columns of several types; y is nearly linear in three of them."""
    generator = np.random.default_rng(seed)
    a, odd = generator.normal(5, 3, n), generator.integers(-9, 9, n)
    b = generator.normal(size=n).astype(np.float32)
    y = 2 * a - b + 0.5 * odd + 40 + 0.1 * generator.normal(size=n)
    return pl.DataFrame({"number": np.arange(n), "text": ["x"] * n, "y": y, "a": a, "b": b, "^odd.*$": odd})


def float32(table: pl.DataFrame, *columns: str) -> np.ndarray:
    return table.select(cs.by_name(*columns).cast(pl.Float32)).to_numpy()


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """A folder of parts of unlike size with unlike row groups."""
    folder = tmp_path_factory.mktemp("stream") / 'Teile "1" [x]=*'
    (folder / "key=1").mkdir(parents=True)
    whole, start = frame(), 0
    for name, n in {"key=1/a.parquet": 25_001, "p0.parquet": 1, "p1.parquet": 14_998, "p2.parquet": 20_000}.items():
        whole.slice(start, n).write_parquet(folder / name, row_group_size=6_000)
        start += n
    return folder


def stream(path: Path, **options) -> ex.ParquetStream:
    return ex.ParquetStream(**{"path": str(path), "target": "y", "features": FEATURES, "buffer": 1} | options)


def experiment(source: ex.ParquetStream, **options) -> ex.Experiment:
    data = {"source": source, "split": ex.Split(train=70, validation=10), "scaling": ex.Scaling(features="standardise")}
    fit = {"loss": ex.MSELoss(), "optimizer": ex.Adam(lr=0.01), "epochs": 3}
    data |= {name: options.pop(name) for name in list(options) if name in ("split", "scaling")}
    model = options.pop("model", ex.Layers(hidden=(8,)))
    return ex.Experiment(data=ex.Data(**data), model=model, fit=ex.Fit(**fit | options))


def fitted(wanted: ex.Experiment, **cut) -> Session:
    session = Session(wanted)
    while not session.done:
        session.advance(**cut)
    return session


def assert_same(session: Session, expected: Session) -> None:
    assert session.history.losses.tobytes() == expected.history.losses.tobytes()
    assert same_state(session.model.state_dict(), expected.model.state_dict())


# ------------------------------------------------------------------------------------------------------ the script

CASES = {
    "a folder, all scaled": {"scaling": ex.Scaling(features="standardise", target="min-max")},
    "no validation, as it is": {"split": ex.Split(), "scaling": ex.Scaling(), "optimizer": ex.SGD(lr=0.001)},
    "one feature scaled otherwise": {
        "scaling": ex.Scaling(columns=(ex.ColumnScaling(name="a", scale="min-max"),), target="standardise"),
        "model": ex.LinearRegressionModel(), "loss": ex.L1Loss(),
    },
    "several threads": {"model": ex.Layers(hidden=(128, 16)), "batch": 4000},
    "a batch that is all rows": {"batch": 100_000, "model": ex.LinearRegressionModelV2(), "epochs": 5},
    "batches that fill no buffer evenly": {"batch": 777, "seed": 7},
    "means and variances": {
        "loss": ex.losses.GaussianNLLLoss(), "scaling": ex.Scaling(features="standardise", target="standardise"),
    },
    "logarithms of rates": {"loss": ex.losses.PoissonNLLLoss()},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_script_in_a_process_of_its_own_prints_the_same_losses_to_the_last_bit(warm_python, tmp_path, parts, case):
    options = dict(CASES[case])
    source = stream(parts, batch_size=options.pop("batch", 512), seed=options.pop("seed", 42))
    session = fitted(experiment(source, **options))
    (tmp_path / "script.py").write_text(script(session.experiment, "cpu", session.dataset.reading))
    finished = warm_python.run(tmp_path / "script.py", cwd=tmp_path)
    assert (finished.code, finished.err) == (0, "")
    *epochs, scores, reloaded = finished.out.splitlines()
    printed = np.array([line.split()[1:] for line in epochs], dtype=np.float64)
    assert printed.tobytes() == session.history.losses.astype(np.float64).tobytes()
    figures = score(session).test
    assert scores == f"MAE {figures['MAE']:.6g}  RMSE {figures['RMSE']:.6g}  R2 {figures['R²']:.6g}"
    assert reloaded == "Largest difference after reloading: 0.0"
    assert session.history.losses[-1, -1] < session.history.losses[0, 0]


def test_the_script_of_one_file_does_the_same(warm_python, tmp_path):
    frame(5_000).write_parquet(tmp_path / "one.data")
    session = fitted(experiment(stream(tmp_path / "one.data", batch_size=64)))
    (tmp_path / "script.py").write_text(script(session.experiment))
    finished = warm_python.run(tmp_path / "script.py", cwd=tmp_path)
    assert (finished.code, finished.err) == (0, "")
    printed = np.array([line.split()[1:] for line in finished.out.splitlines()[:-2]], dtype=np.float32)
    assert printed.tobytes() == session.history.losses.tobytes()


# ------------------------------------------------------------------------------------------------------ the order


def rows_of(batches) -> list[np.ndarray]:
    return [rows.numpy() for rows in batches if rows is not None]


def test_every_training_row_comes_once_an_epoch_in_an_order_of_seed_and_epoch(parts):
    source = stream(parts, target="number", features=(*FEATURES, "y"), batch_size=1000)
    dataset = load_dataset(ex.Data(source=source, split=ex.Split(train=70)))
    assert dataset.stream.buffer_rows < dataset.stream.counts["train"] == 42_000
    reader = Reader(dataset.stream)
    first, again, second = (rows_of(shuffled(dataset.stream, reader, epoch)) for epoch in (0, 0, 1))
    assert [len(rows) for rows in first] == [1000] * 42
    orders = [np.concatenate(rows)[:, -1] for rows in (first, again, second)]
    assert all(np.array_equal(np.sort(order), np.arange(42_000)) for order in orders)
    assert np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[0], orders[2])
    other = load_dataset(ex.Data(source=ex.replace(source, seed=43), split=ex.Split(train=70))).stream
    assert not np.array_equal(np.concatenate(rows_of(shuffled(other, reader, 0)))[:, -1], orders[0])


def test_a_batch_has_rows_of_several_blocks_mixed(parts):
    dataset = load_dataset(ex.Data(source=stream(parts, target="number", features=("a", "b"), batch_size=500)))
    batch = rows_of(shuffled(dataset.stream, Reader(dataset.stream), 0))[0][:, -1]
    blocks = np.unique(batch // dataset.stream.block_rows)
    assert len(blocks) >= 3 and np.abs(np.diff(batch)).min() >= 1 and (np.diff(batch) == 1).mean() < 0.01


def test_the_last_batch_is_the_only_short_one(parts):
    dataset = load_dataset(ex.Data(source=stream(parts, batch_size=999)))
    sizes = [len(rows) for rows in rows_of(shuffled(dataset.stream, Reader(dataset.stream), 0))]
    assert sizes[:-1] == [999] * 48 and sizes[-1] == 48_000 - 48 * 999


def test_the_parts_follow_one_another_in_the_files_order(parts):
    source = stream(parts, target="number", features=("a", "b"), batch_size=1000)
    dataset = load_dataset(ex.Data(source=source, split=ex.Split(train=60, validation=20)))
    reader = Reader(dataset.stream)
    for split, (start, stop) in {"validation": (36_000, 48_000), "test": (48_000, 60_000)}.items():
        rows = np.concatenate(rows_of(in_order(dataset.stream, reader, split)))
        assert np.array_equal(rows[:, -1], np.arange(start, stop))
        assert np.array_equal(rows[:, 0], frame()["a"].to_numpy()[start:stop].astype(np.float32))


def test_in_memory_are_evenly_picked_samples_scaled_as_the_training_rows_are(parts):
    scaling = ex.Scaling(features="standardise", target="min-max")
    dataset = load_dataset(experiment(stream(parts), scaling=scaling).data)
    whole = frame()
    train = float32(whole.head(42_000), *FEATURES).astype(np.float64)
    centre, size = np.array(dataset.preparation.X_moves).T
    np.testing.assert_allclose(centre, train.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(size, train.std(axis=0), rtol=1e-12)
    y = whole["y"].head(42_000).cast(pl.Float32).to_numpy().astype(np.float64)
    assert dataset.preparation.y_moves == ((y.min(), y.max() - y.min()),)
    assert [len(dataset.X(split)) for split in dataset.splits] == [2000] * 3
    numbers = dataset.parts["test"]
    assert numbers[0] == 48_000 and numbers[-1] == 59_999 and np.diff(numbers).max() <= 7
    expected = float32(whole, *FEATURES)[numbers].astype(np.float64)
    assert np.array_equal(dataset.X_test.numpy(), ((expected - centre) / size).astype(np.float32))


# ------------------------------------------------------------------------------------------------------ the session


def test_any_cut_of_the_time_gives_the_same_bits_and_comes_back_in_the_middle_of_an_epoch(parts):
    wanted = experiment(stream(parts, batch_size=128), epochs=2)
    session, calls, longest = Session(wanted), 0, 0.0
    while not session.done:
        started = time.perf_counter()
        session.advance(seconds=0.02)
        longest, calls = max(longest, time.perf_counter() - started), calls + 1
    assert calls > 4 and longest < 2
    expected = fitted(wanted, epochs=1)
    assert_same(session, expected)
    assert_same(session, fitted(wanted))
    assert session.seconds > 0 and expected.epoch == 2


def test_the_scores_are_those_of_all_rows(parts):
    session = fitted(experiment(stream(parts), scaling=ex.Scaling(features="standardise", target="standardise")))
    rows = float32(frame(), *FEATURES, "y")
    moves = np.array((*session.preparation.X_moves, *session.preparation.y_moves))
    scaled = ((rows.astype(np.float64) - moves[:, 0]) / moves[:, 1]).astype(np.float32)
    figures = score(session)
    bounds = {"train": slice(42_000), "validation": slice(42_000, 48_000), "test": slice(48_000, None)}
    for split, part in bounds.items():
        residual = session.predict(torch.from_numpy(scaled[part, :-1])) - scaled[part, -1:]
        np.testing.assert_allclose(figures.losses[split], (residual.astype(np.float64) ** 2).mean(), rtol=1e-5)
    answers = session.answers(torch.from_numpy(scaled[48_000:, :-1])).astype(np.float64)
    expected = errors(rows[48_000:, -1:].astype(np.float64), answers)
    np.testing.assert_allclose(list(figures.test.values()), expected, rtol=1e-5)
    np.testing.assert_allclose(figures.losses["test"], session.history.losses[-1, -1], rtol=1e-5)


def test_a_loss_that_explodes_leaves_the_weights_of_the_epoch_s_start(parts):
    session = Session(experiment(stream(parts), optimizer=ex.SGD(lr=0.01), epochs=5))
    session.advance(epochs=1)
    before = session.parameters()
    session.optimizer.param_groups[0]["lr"] = 1e9
    with pytest.raises(DivergedError, match="smaller learning rate"):
        session.advance()
    assert session.epoch == 1 and session.position.batches == 0
    assert all(np.array_equal(before[name], value) for name, value in session.parameters().items())


def test_a_model_that_is_saved_in_the_middle_of_an_epoch_goes_on_to_the_bit(parts, tmp_path):
    wanted = experiment(stream(parts, batch_size=64), epochs=2)
    session = Session(wanted)
    session.advance(epochs=1)
    while session.position.batches < 3:
        session.advance(seconds=0.0)
    save_model(tmp_path / "model.pt", session)
    opened = open_model(tmp_path / "model.pt")
    assert opened.difference == 0.0 and opened.position == session.position and opened.experiment.fit.epochs == 1
    again = Session(opened.experiment)
    restore(again, opened)
    assert again.epoch == 1 and same_state(again.model.state_dict(), session.model.state_dict())
    again.extend(2)
    again.advance()
    assert_same(again, fitted(wanted))


# ------------------------------------------------------------------------------------------------------ changes


@pytest.fixture
def one(tmp_path) -> Path:
    frame(20_000).write_parquet(tmp_path / "rows.parquet", row_group_size=2_000)
    return tmp_path / "rows.parquet"


def refusal(session: Session, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        session.advance(epochs=1)
    assert_sentence(caught.value, "rows.parquet")
    assert session.predict(session.dataset.X_test).shape == (2000, 1)


def assert_sentence(error: InputError, name: str) -> None:
    message = str(error)
    assert name in message and "\n" not in message and len(message) < 400
    assert not [word for word in ("Traceback", "panic", "polars", "Errno") if word in message]


@pytest.mark.parametrize("how", ["gone", "written over", "cut off"])
def test_a_file_that_changes_while_training_is_a_sentence_and_put_back_it_goes_on_to_the_bit(one, tmp_path, how):
    wanted = experiment(stream(one, batch_size=64), epochs=2)
    session = Session(wanted)
    while session.position.batches < 3:
        session.advance(seconds=0.0)
    shutil.copy2(one, tmp_path / "kept")
    if how == "gone":
        one.unlink()
    elif how == "written over":
        frame(20_000, seed=1).write_parquet(one)
    else:
        os.truncate(one, 5_000)
    refusal(session, "rows.parquet is gone" if how == "gone" else "rows.parquet has changed")
    assert session.epoch == 0 and session.position.batches >= 3
    (tmp_path / "kept").replace(one)
    session.advance()
    assert_same(session, fitted(wanted))


def test_a_new_session_takes_a_changed_file_as_it_is_now(one):
    wanted = experiment(stream(one))
    session = Session(wanted)
    frame(10_000).write_parquet(one)
    assert sum(Session(wanted, dataset=session.dataset).dataset.stream.counts.values()) == 10_000


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_reader_that_dies_is_a_sentence_and_training_goes_on_with_another(one):
    wanted = experiment(stream(one, batch_size=64), epochs=2)
    session = Session(wanted)
    session.advance(seconds=0.0)
    os.kill(session._batches.reader._child.pid, signal.SIGSEGV)
    refusal(session, "rows.parquet cannot be read")
    session.advance()
    assert_same(session, fitted(wanted))


@pytest.mark.skipif(os.name != "posix", reason="a process that ends on Windows is not waited for")
def test_no_process_is_left_once_a_session_is_done_or_dropped(one):
    done, dropped = (Session(experiment(stream(one, batch_size=64))) for _ in range(2))
    done.advance(epochs=1)
    assert done._batches.reader is not None
    done.advance()
    dropped.advance(seconds=0.0)
    assert done._batches.reader is None and dropped._batches.reader is not None
    gc.disable()  # it must not take the collector, which runs in the window's thread alone
    try:
        process = dropped._batches.reader._child.pid
        del dropped
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------------------ what is refused


def write(folder: Path, how: str) -> Path:
    """A folder of parts of which part1.parquet has a fault."""
    folder.mkdir()
    good, path = frame(2_000), folder / "part1.parquet"
    good.write_parquet(folder / "part0.parquet")
    a = good["a"].to_list()
    match how:
        case "no column":
            good.drop("a").write_parquet(path)
        case "text":
            good.with_columns(pl.col("a").cast(pl.String)).write_parquet(path)
        case "yes/no":
            good.with_columns(pl.col("a") > 0).write_parquet(path)
        case "gap" | "NaN" | "infinite" | "huge":
            a[1_233] = {"gap": None, "NaN": float("nan"), "infinite": float("inf"), "huge": 1e39}[how]
            good.with_columns(pl.Series("a", a)).write_parquet(path)
        case "a table of text":
            path.write_text("a,b,y\n1,2,3\n")
        case "empty":
            path.touch()
        case "cut off":
            path.write_bytes((folder / "part0.parquet").read_bytes()[:-5_000])
        case "rotten":
            content = bytearray((folder / "part0.parquet").read_bytes())
            content[4:-2_000] = bytes(byte ^ 0x55 for byte in content[4:-2_000])
            path.write_bytes(content)
        case "a folder":
            path.mkdir()
    return folder


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no column", "has no column 'a' but number, text, y, b"), ("text", "Column 'a' .* is of type String"),
        ("yes/no", "is of type Boolean"), ("gap", "has no value, in row 1,234"), ("NaN", "the value nan"),
        ("infinite", "the value inf"), ("huge", "the value 1e.39"), ("a table of text", "is no Parquet file"),
        ("empty", "is no Parquet file"), ("cut off", "is no Parquet file"), ("rotten", "damaged"),
        ("a folder", "part1"),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, how, says):
    with pytest.raises(InputError, match=says) as caught:
        load_dataset(experiment(stream(write(tmp_path / "parts", how))).data)
    assert_sentence(caught.value, "part1.parquet")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"split": ex.Split(method="random")}, "only be divided in order, not random"),
        ({"split": ex.Split(method="by column", column="a")}, "only be divided in order"),
        ({"scaling": ex.Scaling(features="robust")}, "median and quartiles of 'a'"),
        ({"scaling": ex.Scaling(target="robust")}, "median and quartiles of 'y'"),
        ({"loss": ex.CrossEntropyLoss()}, "'y' is a number, and CrossEntropyLoss"),
    ],
)
def test_what_cannot_be_done_with_rows_on_disk_is_said(parts, options, says):
    with pytest.raises(InputError, match=says):
        Session(experiment(stream(parts), **options))


def test_a_path_without_data_is_refused(tmp_path):
    for path, says in {tmp_path: "has no .parquet file", tmp_path / "no.parquet": "No such file"}.items():
        with pytest.raises(InputError, match=says) as caught:
            load_dataset(experiment(stream(path)).data)
        assert_sentence(caught.value, path.name)
    frame(1).write_parquet(tmp_path / "one.parquet")
    with pytest.raises(InputError, match="has 1 row, too few"):
        load_dataset(experiment(stream(tmp_path / "one.parquet")).data)
    with pytest.raises(InputError, match="choose the file as a table"):
        read_rows(experiment(stream(tmp_path)).data)


def test_looking_at_the_files_tells_how_far_it_is_and_can_be_cancelled(parts):
    shares: list[float] = []
    load_dataset(experiment(stream(parts)).data, on_progress=shares.append)
    assert shares[-1] == 1.0 and shares == sorted(shares) and len(shares) > 4
    with pytest.raises(child.CancelledError):
        load_dataset(experiment(stream(parts)).data, cancelled=lambda: True)


# ------------------------------------------------------------------------------------------------------ memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
def test_a_file_four_times_as_large_as_what_the_process_may_take_is_trained_on(warm_python, tmp_path):
    limit, features = 40, [f"c{number}" for number in range(15)]
    generator = np.random.default_rng(0)
    for part in range(14):  # 12.8 MB each, as float32 tensors and on disk
        X = generator.normal(size=(200_000, 15)).astype(np.float32)
        table = pl.DataFrame(X, schema=features).with_columns(y=X.sum(axis=1))
        table.write_parquet(tmp_path / f"{part:02}.parquet", compression="uncompressed", row_group_size=50_000)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.parquet")) / 2**20
    root = Path(__file__).parents[2]
    finished = warm_python.run(
        Path(within_memory), root, tmp_path, ",".join(features), 12, limit, 8192, cwd=tmp_path
    )  # fmt: skip
    assert (finished.code, finished.err) == (0, "")
    took = json.loads(finished.out)
    assert size >= 4 * limit and took["rows"] * 16 * 4 / 2**20 >= 4 * limit
    assert took["as_a_whole"] == "MemoryError" and took["end"] - took["start"] <= limit
    assert took["reader"] - took["reader_start"] <= limit
    assert took["losses"][-1][-1] < 0.1 < took["losses"][0][0]
