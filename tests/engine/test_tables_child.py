"""Step 1, tables through their child process: the corpus of bad inputs, files that change, limits, cancelling."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import experiment as ex
from engine.data import tables
from engine.data.child import CancelledError
from engine.data.tables import Tables, read_rows, suggest
from engine.errors import InputError
from tests.engine.table_tools import Made, parse_here, same_bits

ROOT = Path(__file__).parents[2]
BAD_INPUTS = ROOT.parent / "shared" / "bad_inputs" / "make_bad_inputs.py"
CASES = (
    re.findall(r'^@(?:cv|pq|xl)\("(\w+)"', BAD_INPUTS.read_text(encoding="utf-8"), re.MULTILINE)
    if BAD_INPUTS.exists()
    else []
)
needs_corpus = pytest.mark.skipif(not CASES, reason="no ../shared/bad_inputs here")


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path, monkeypatch):
    """No file of a reading stays in the temporary folder once its table is forgotten."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    gc.collect()
    assert list(scratch.iterdir()) == []


# --------------------------------------------------------------------------------------------------------- the corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Folder and cases by id."""
    folder = tmp_path_factory.mktemp("bad_inputs")
    command = [sys.executable, str(BAD_INPUTS), str(folder), "--only", "data"]
    subprocess.run(command, capture_output=True, check=True)
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    return folder, {case["id"]: case for case in cases}


def test_the_corpus_has_all_its_files_of_tables(request):
    if not CASES:
        pytest.skip("no ../shared/bad_inputs here")
    assert set(CASES) == set(request.getfixturevalue("corpus")[1]) and len(CASES) == 55


START_MB = 120
"""What a reading process takes before it reads."""


@needs_corpus
@pytest.mark.parametrize("case_id", CASES)
def test_a_file_of_the_corpus_is_refused_or_loaded_as_its_manifest_says(corpus, case_id, monkeypatch):
    folder, cases = corpus
    case = cases[case_id]
    memory = (START_MB + case["limits"]["max_extra_rss_mb"]) * 2**20
    limit = {"seconds": case["limits"]["max_seconds"], "memory": memory}
    monkeypatch.setattr(tables, "_limits", lambda _path: limit)  # held by the system: what passes keeps them
    path, start = folder / case["path"], time.perf_counter()
    try:
        table = Tables().open(path)
    except InputError as error:
        table, outcome, message = None, "refuse", str(error)
        assert path.name in message and "\n" not in message and len(message) < 400
    else:
        outcome, message = "load with warning" if table.warnings else "load", "\n".join(table.warnings)
        assert all(len(warning) < 400 and "\n" not in warning for warning in table.warnings)
    assert time.perf_counter() - start < case["limits"]["max_seconds"]
    assert outcome in (case["expected"], *case["also_ok"]), message
    if outcome != "load":
        assert [wanted for wanted in case["must_mention"] if not re.search(wanted, message, re.IGNORECASE)] == []
    assert [never for never in case["must_not_mention"] if re.search(never, message)] == []
    if table and (truth := case["table"]):
        assert table.height == truth["rows"]
        assert len(table.names) == truth.get("columns_n", len(table.names))
        assert list(table.names) == truth.get("columns", list(table.names))
        if "sum_first_numeric" in truth:
            first = next(column for column in table.columns if column.type == "number")
            total = first.mean * (table.height - first.missing)
            assert total == pytest.approx(truth["sum_first_numeric"], abs=1e-6)


PEAKS = """
import json, resource, sys
from pathlib import Path
from engine.data.tables import Tables
from engine.errors import InputError
for path in json.loads(sys.stdin.read()):
    try:
        Tables().open(Path(path))
    except InputError:
        pass
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10)
"""
"""Prints the most memory that any child has had after each file, in MB."""


@needs_corpus
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_no_child_took_more_memory_than_its_file_may_cost(corpus):
    folder, cases = corpus
    limit = {case_id: cases[case_id]["limits"]["max_extra_rss_mb"] for case_id in CASES}
    order = sorted(CASES, key=lambda case_id: limit[case_id])  # so that a later file's peak hides no earlier one's
    paths = json.dumps([str(folder / cases[case_id]["path"]) for case_id in order])
    done = subprocess.run(
        [sys.executable, "-c", PEAKS], input=paths, cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    peaks = dict(zip(order, map(float, done.stdout.split()), strict=True))
    assert {case_id: peak for case_id, peak in peaks.items() if peak >= limit[case_id]} == {}


@needs_corpus
@pytest.mark.parametrize("case_id", CASES)
def test_the_script_lines_give_the_same_bits_for_each_loadable_file_of_the_corpus(corpus, case_id, monkeypatch):
    monkeypatch.setattr(tables, "ask", parse_here)  # what the child refuses, the test above has shown
    path = corpus[0] / corpus[1][case_id]["path"]
    try:
        table = Tables().open(path)
        made = Made(read_rows(table, suggest(table)))
    except InputError as error:
        assert path.name in str(error)
        return
    same_bits(made)


# --------------------------------------------------------------------------------------------- files that are no tables


def refusal(path: Path, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        Tables().open(path, **keywords)
    message = str(caught.value)
    assert "\n" not in message and path.name in message and len(message) < 400
    return message


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".npy", ".npz", ".pt"])
def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path, suffix):
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    assert "is a folder" in refusal(folder)
    assert "no such file" in refusal(tmp_path / f"gone{suffix}")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n1,2\n")
    path.chmod(0)
    assert "no permission" in refusal(path)


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not an ordinary file" in refusal(tmp_path / "pipe.csv")


# --------------------------------------------------------------------------------------------------- once and for all


def test_a_table_is_read_again_only_after_its_file_has_changed(tmp_path):
    path, opened = tmp_path / "table.csv", Tables()
    path.write_text("x,y\n1,2\n3,4\n")
    table = opened.open(path)
    assert opened.open(path) is table
    assert opened.open(path, ex.TableFormat(header="no")) is not table
    path.write_text("x,y\n1,2\n3,4\n5,6\n")
    assert opened.open(path).height == 3
    assert table.height == 2 and table.rows(0, 9).rows() == [(1, 2), (3, 4)], "what was loaded before is untouched"


def test_a_table_stays_whole_when_its_file_is_cut_or_deleted(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * 2}\n" for i in range(50_000)))
    table = Tables().open(path)
    os.truncate(path, 10)
    assert table.frame["y"].sum() == 2_499_950_000
    path.unlink()
    assert table.rows(49_999, 5).rows() == [(49_999, 99_998)]
    assert table.place(7) == "row 8"


def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n1,2\n3,4\n")

    def append(_share):
        with path.open("a") as file:
            file.write("5,6\n")

    assert "was changed while it was read" in refusal(path, on_progress=append)


def test_cancelling_ends_the_reading_at_once_and_what_was_open_stays(tmp_path):
    small, large, opened = tmp_path / "small.csv", tmp_path / "large.csv", Tables()
    small.write_text("x,y\n1,2\n3,4\n")
    table = opened.open(small)
    large.write_text("x,y\n" + "1.5,2.5\n" * 2_000_000)
    start = time.monotonic()
    with pytest.raises(CancelledError, match=r"large\.csv was cancelled"):
        opened.open(large, cancelled=lambda: True)
    assert time.monotonic() - start < 5
    assert opened.open(small) is table and table.height == 2


def test_progress_goes_up_to_1(tmp_path):
    path, seen = tmp_path / "table.csv", []
    path.write_text("x,y\n" + "".join(f"{i / 7},{i}\n" for i in range(1_000_000)))
    Tables().open(path, on_progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1 and all(0 <= share <= 1 for share in seen)


def test_a_table_larger_than_there_is_room_for_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    monkeypatch.setattr(tables.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10}))
    assert "needs more room" in refusal(path)


# ------------------------------------------------------------------------------------------------------ large and odd


def test_rows_late_in_a_large_table_come_in_a_moment(tmp_path):
    path = tmp_path / "table.parquet"
    n = 2_000_000
    pl.DataFrame({"x": np.arange(n), "t": pl.Series(["some text"]).new_from_index(0, n)}).write_parquet(path)
    table = Tables().open(path)
    start = time.perf_counter()
    assert table.rows(n - 3, 10)["x"].to_list() == [n - 3, n - 2, n - 1]
    assert time.perf_counter() - start < 1


def test_mixed_line_ends_are_one_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"x,y\r\n1,2\n3,4\r\n5,6\n")
    table = Tables().open(path)
    assert table.rows(0, 9).rows() == [(1, 2), (3, 4), (5, 6)]
    same_bits(Made(read_rows(table, ex.Table(path=str(path), target="y", features=("x",)))))


def test_a_change_of_type_far_down_is_still_a_number(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + "1,2\n" * 20_000 + "1.5,3\n")
    table = Tables().open(path)
    assert table.column("x").type == "number" and table.rows(20_000, 1).rows() == [(1.5, 3)]
    same_bits(Made(read_rows(table, ex.Table(path=str(path), target="y", features=("x",)))))


def test_a_histogram_counts_every_row_once(tmp_path):
    path = tmp_path / "table.csv"
    values = np.random.default_rng(0).normal(size=10_000)
    labels = np.where(values > 1, "high", "low")
    pl.DataFrame({"x": values, "k": labels, "c": np.ones(10_000)}).write_csv(path)
    x, k, c = Tables().open(path).columns
    assert x.counts == tuple(np.histogram(values, bins=20)[0])
    assert (x.minimum, x.maximum) == (values.min(), values.max())
    n_high = int((values > 1).sum())
    assert dict(zip(k.labels, k.counts, strict=True)) == {"low": 10_000 - n_high, "high": n_high}
    assert sum(c.counts) == 10_000


def test_a_child_that_was_started_before_is_used_once_and_ended_with_the_tables(tmp_path):
    path, opened = tmp_path / "table.csv", Tables()
    path.write_text("x,y\n1,2\n3,4\n")
    opened.warm_up()
    first = opened._child
    opened.warm_up()
    assert opened._child is first, "one is enough"
    assert opened.open(path).height == 2 and first.process.poll() is not None
    opened.warm_up()
    second = opened._child
    second.process.kill()
    second.process.wait()
    path.write_text("x,y\n1,2\n3,4\n5,6\n")
    assert opened.open(path).height == 3, "one that has died is no harm"
    opened.warm_up()
    third = opened._child.process
    opened.close()
    assert third.poll() is not None
    opened.warm_up()
    fourth = opened._child.process
    del opened
    gc.collect()
    assert fourth.poll() is not None
