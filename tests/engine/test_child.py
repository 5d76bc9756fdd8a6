"""Reading in a child process: whatever a reader does there, the person gets one sentence and goes on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:
    fcntl = None

from engine.data import child
from engine.errors import InputError

MB = 2**20
PATH = "/somewhere/else/file.csv"


def ask(work, folder, request=None, seconds=60.0, memory=400 * MB, **keywords):
    request = {"path": PATH} | (request or {})
    return child.ask(
        work, request, folder=folder, seconds=seconds, memory=memory, main="tests.engine.child_works", **keywords
    )


def refusal(work, folder, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        ask(work, folder, **keywords)
    message = str(caught.value)
    assert "\n" not in message and "file.csv" in message and len(message) < 400
    assert not [word for word in ("Traceback", "panic", "Error", "polars", "child") if word in message]
    return message


def children() -> set[int]:
    """The processes that this one has started and that are still there; zombies are."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            found |= {int(status.parent.name)} if parent == os.getpid() else set()
    return found


@pytest.fixture(autouse=True)
def no_child_and_no_thread_is_left():
    threads, before = threading.active_count(), children()
    yield
    assert threading.active_count() == threads
    assert children() <= before


def test_an_answer_comes_back_with_the_progress_and_the_files_in_the_folder(tmp_path):
    seen = []
    request = {"number": 1.5, "text": "Größe\n\"'", "list": [1, None, True]}
    assert ask("echo", tmp_path, request, on_progress=seen.append) == {"path": PATH, **request}
    assert seen == [0.25, 0.75]
    assert (tmp_path / "big.bin").read_bytes() == b"x" * 10


def test_a_refusal_comes_over_as_it_stands(tmp_path):
    assert refusal("refuse", tmp_path) == f"{PATH}: on line 3, correct it."


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
@pytest.mark.parametrize("work", ["eat_in_python", "eat_slowly", "eat_in_rust"])
def test_a_reader_that_takes_too_much_memory_is_ended_and_the_limit_is_said(tmp_path, work):
    assert "more than 400 MB of memory" in refusal(work, tmp_path)


@pytest.mark.parametrize("work", ["hang", "spin"])
def test_a_reader_that_takes_too_long_is_ended(tmp_path, work):
    start = time.monotonic()
    assert "not read after 1 seconds" in refusal(work, tmp_path, seconds=1)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("work", ["panic", "leave", "vanish", "unspeakable", "no such work"])
def test_a_reader_that_breaks_down_is_a_sentence(tmp_path, work):
    assert "damaged or very unusual" in refusal(work, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("work", ["abort", "fault"])
def test_a_reader_that_is_killed_by_a_signal_is_a_sentence(tmp_path, work):
    assert "damaged or very unusual" in refusal(work, tmp_path)


def test_what_a_reader_prints_is_neither_an_answer_nor_shown(tmp_path, capfd):
    assert ask("chatter", tmp_path) == "the truth"
    assert capfd.readouterr() == ("", "")


def test_the_reader_of_tables_is_there_within_moments_and_within_its_memory(tmp_path):
    assert ask("polars_is_there", tmp_path, memory=200 * MB, seconds=20) == 1


def test_cancelling_ends_the_child_at_once(tmp_path):
    begun = []
    start = time.monotonic()
    with pytest.raises(child.CancelledError, match=r"Reading file.csv was cancelled."):
        ask("hang", tmp_path, on_progress=begun.append, cancelled=lambda: bool(begun))
    assert begun == [0.5] and time.monotonic() - start < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_an_error_of_the_caller_ends_the_child_too(tmp_path):
    def stop(_share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask("hang", tmp_path, on_progress=stop)


@pytest.mark.skipif(os.name != "posix", reason="a process that ends on Windows ends without its children")
def test_the_child_ends_with_its_parent(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from engine.data.child import ask\n"
        "ask('hang', {'path': 'x'}, folder=Path(sys.argv[1]), seconds=60, memory=2**30,"
        " main='tests.engine.child_works', on_progress=lambda _: os._exit(7))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=child.ROOT, check=False)
    assert done.returncode == 7
    start = time.monotonic()
    with (tmp_path / "pid").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # waits for the child, which holds it locked
    assert time.monotonic() - start < 30
