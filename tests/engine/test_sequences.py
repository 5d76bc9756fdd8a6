"""Step 1, columns over time: which rows a window has, that none reaches across a cut, and the script's same bits."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from engine import experiment as ex
from engine.data import sequences
from engine.data.tables import Tables
from engine.errors import InputError

SHAPES = [(1, 1, 1), (4, 1, 1), (3, 2, 1), (5, 3, 4), (2, 7, 10), (8, 1, 3)]
THREE = ex.Split(train=60, validation=20)


def source(length=4, horizon=1, stride=1, features=("a", "b"), path="series.csv") -> ex.Sequences:
    return ex.Sequences(path=path, target="y", features=features, length=length, horizon=horizon, stride=stride)


def series(n: int) -> sequences.Series:
    """Column a counts rows, b is noise, the target is 1000 more than the row."""
    rows = np.arange(n, dtype=np.float32)
    b = np.random.default_rng(1).normal(size=n).astype(np.float32)
    return sequences.Series(np.column_stack([rows, b]), rows + 1000, ("",), ("import numpy as np",))


def refusal(call, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message



@pytest.mark.parametrize(("length", "horizon", "stride"), SHAPES)
def test_a_window_has_its_rows_and_the_target_so_many_rows_later(length, horizon, stride):
    kind = source(length, horizon, stride)
    rows = sequences.to_rows(series(50), kind, THREE)
    X, learned = rows.prepare(np.arange(1))
    starts = np.arange(0, 50 - length - horizon + 1, stride)
    assert X.dtype == rows.y.dtype == torch.float32
    assert X.shape == (len(starts), length, 2) and rows.y.shape == (len(starts), 1)
    assert X[:, :, 0].tolist() == (starts[:, None] + np.arange(length)).tolist()
    assert rows.y[:, 0].tolist() == (starts + length - 1 + horizon + 1000).tolist()
    assert torch.equal(X[:, 0, 1], torch.from_numpy(series(50).values[starts, 1]))
    assert learned.features == ("a", "b") and rows.targets == ("y",)


@pytest.mark.parametrize("split", [ex.Split(), THREE, ex.Split(train=50, validation=25)], ids=str)
@pytest.mark.parametrize(("length", "horizon", "stride"), SHAPES)
def test_no_window_reaches_across_a_cut_and_each_that_fits_is_there(length, horizon, stride, split):
    n = 97
    kind = source(length, horizon, stride)
    rows = sequences.to_rows(series(n), kind, split)
    X, _ = rows.prepare(np.arange(1))
    validation, test = sequences.cuts(n, split)
    assert (validation, test) == (n * split.train // 100, n * split.train // 100 + n * split.validation // 100)
    bounds = {"train": (0, validation), "validation": (validation, test), "test": (test, n)}
    parts = rows.parts(split)
    assert list(parts) == list(bounds)
    for part, (start, end) in bounds.items():
        first, target = X[:, 0, 0].numpy(), rows.y[:, 0].numpy() - 1000
        assert parts[part].tolist() == np.flatnonzero((first >= start) & (target < end)).tolist()


@pytest.mark.parametrize("split", [ex.Split(), THREE], ids=str)
@pytest.mark.parametrize(("length", "horizon", "stride"), SHAPES)
def test_the_script_makes_the_same_bits_and_parts(length, horizon, stride, split):
    data = series(83)
    rows = sequences.to_rows(data, source(length, horizon, stride), split)
    X, _ = rows.prepare(np.arange(1))
    made = {"torch": torch, "values": torch.tensor(data.values), "target": torch.tensor(data.target)}
    exec("\n".join([*rows.reading.imports, *rows.reading.read, *rows.reading.split]), made)
    for ours, theirs in ((X, made["X"]), (rows.y, made["y"])):
        assert torch.equal(ours, theirs) and ours.is_contiguous() and theirs.is_contiguous()
    parts = rows.parts(split)
    for part in ("train", "validation", "test"):
        numbers = np.arange(len(X))[made[part]] if part in made else np.arange(0)
        assert parts[part].tolist() == numbers.tolist()


def test_scaling_in_place_leaves_the_series_and_the_next_preparation_as_they_are():
    data = series(30)
    rows = sequences.to_rows(data, source(1), THREE)
    X, _ = rows.prepare(np.arange(3))
    X *= 2
    rows.y.mul_(2)
    again, _ = rows.prepare(np.arange(3))
    assert np.array_equal(data.values, series(30).values) and np.array_equal(data.target, series(30).target)
    assert torch.equal(2 * again, X)


def test_windows_are_copied_only_when_they_are_prepared():
    data = series(200_000)
    kind = source(length=2000)
    rows = sequences.to_rows(data, kind, THREE)  # 3 GB, were each window copied here
    assert len(rows.y) == 198_000
    assert "raise the stride" in refusal(sequences.to_rows, data, source(length=9000), THREE)


@pytest.mark.parametrize("method", ["random", "stratified"])
def test_windows_are_never_shuffled(method):
    split = ex.Split(method=method)
    assert '"in order"' in refusal(sequences.parts, source(), split, 100)


def test_too_few_rows_for_a_window_are_refused_with_the_numbers():
    message = refusal(sequences.to_rows, series(10), source(length=10), THREE)
    assert "series.csv has 10 rows" in message and "takes 11" in message
    message = refusal(sequences.parts, source(length=10, horizon=3), THREE, 60)
    assert "12 rows of the validation part" in message and "takes 13" in message and "stride" not in message
    assert "every 50" in refusal(sequences.parts, source(stride=50), THREE, 60)
    assert "too few" in refusal(sequences.parts, source(), THREE, 3)


# ------------------------------------------------------------------------------------------------------ tables


def write_csv(path, change=lambda lines: lines):
    generator = np.random.default_rng(2)
    rows = [f"{i},{generator.normal():.6f},{generator.normal():.3f},{'odd' if i % 2 else 'even'}" for i in range(60)]
    path.write_text("\n".join(change(["a,b,y,word", *rows])) + "\n")
    return path


@pytest.mark.parametrize("features", [("a", "b"), ("b", "y"), ("y",)])
def test_a_table_becomes_the_same_bits_in_the_script(tmp_path, features):
    path = write_csv(tmp_path / "series.csv")
    rows = sequences.read_rows(source(5, 2, 3, features, str(path)), Tables(), THREE)
    X, _ = rows.prepare(np.arange(2))
    made = {"torch": torch}
    exec("\n".join([*rows.reading.imports, *rows.reading.read, *rows.reading.split]), made)
    assert torch.equal(X, made["X"]) and torch.equal(rows.y, made["y"]) and rows.y.dtype == torch.float32
    table = pl.read_csv(path)
    assert X[1, 2].tolist() == pytest.approx([table[3 + 2, name] for name in features])
    assert rows.y[1, 0].item() == pytest.approx(table[3 + 5 - 1 + 2, "y"])


def test_numbers_of_every_type_and_a_decimal_comma_become_float32(tmp_path):
    frame = pl.DataFrame({"a": range(30), "b": [i / 3 for i in range(30)], "y": [i % 7 for i in range(30)]})
    frame.cast({"a": pl.UInt8, "y": pl.Float32}).write_parquet(tmp_path / "series.parquet")
    frame.write_csv(tmp_path / "series.csv", separator=";", decimal_comma=True)
    found = []
    for name in ("series.parquet", "series.csv"):
        rows = sequences.read_rows(source(path=str(tmp_path / name)), Tables(), THREE)
        X, _ = rows.prepare(np.arange(2))
        X *= 2  # it is the caller's own
        made = {"torch": torch}
        exec("\n".join([*rows.reading.imports, *rows.reading.read]), made)
        assert torch.equal(X, 2 * made["X"])
        found.append(X)
    assert torch.equal(*found)


def test_gaps_text_and_infinity_are_refused_with_the_line(tmp_path):
    def put(number, line):
        return lambda lines: [*lines[: number - 1], line, *lines[number:]]

    def said(change, features=("a", "b")):
        path = write_csv(tmp_path / "series.csv", change)
        message = refusal(sequences.read, source(features=features, path=str(path)), Tables())
        assert "series.csv" in message
        return message

    assert "'b' has no value on line 7 (1 missing" in said(put(7, "5,,1.0,even"))
    assert "'y' has no value on line 9" in said(put(9, "5,1.0,NaN,even"))
    assert "'b'" in said(put(5, "5,1e300,1.0,even")) and "line 5" in said(put(5, "5,1e300,1.0,even"))
    assert "'b' is a number in each row until line 30" in said(put(30, "5,what,1.0,even"))
    assert "'word' holds text" in said(lambda lines: lines, ("a", "word"))
    assert "no column 'c'" in said(lambda lines: lines, ("a", "c"))
