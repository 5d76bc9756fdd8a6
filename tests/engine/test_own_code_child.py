"""Whatever own code does, the person gets one sentence with the line, and nothing here hangs or ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine import experiment as ex
from engine.data.child import ROOT
from engine.data.dataset import load_dataset
from engine.errors import InputError
from engine.own_code.contract import EndedError, OwnCodeError, StoppedError
from engine.own_code.remote import check, child_for, open_session
from engine.own_code.trust import Trust
from tests.engine.own_children import HEAD, LINE, Children, doing

LINEAR = ex.Experiment(data=ex.Data(source=ex.StraightLine()))


@pytest.fixture(scope="module")
def dataset():
    return load_dataset(LINEAR.data)


@pytest.fixture(scope="module")
def children():
    children = Children()
    yield children
    children.close()


def with_model(model: ex.OwnCode) -> ex.Experiment:
    return ex.replace(LINEAR, model=model)


def refused(children, dataset, model, seconds=30.0) -> OwnCodeError:
    """The error of a check; its child has ended."""
    child = child_for(model, child=children.new())
    with pytest.raises(OwnCodeError) as caught:
        check(with_model(model), "cpu", dataset, child, seconds)
    assert not child.is_alive and child.process.returncode is not None
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 and message.startswith("Own code")
    assert not [word for word in ("Traceback", "my_model.py", "child") if word in message]
    return caught.value


def trusting(model: ex.OwnCode) -> Trust:
    trust = Trust()
    trust.add(model.code)
    return trust


def opened(children, dataset, model):
    return open_session(with_model(model), "cpu", dataset, trusting(model), child=children.new())


# ------------------------------------------------------------------------------------------------- the check


def test_what_works_is_told_layer_by_layer(children, dataset):
    code = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(*input_shape, 5), nn.ReLU(), nn.Linear(5, n_outputs))
        self.layers[0].weight.requires_grad = False
        self.layers[0].bias.requires_grad = False
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        print("seen by nobody", x)
        return self.layers(x)
"""
    model = ex.OwnCode(code=code)
    child = child_for(model, child=children.new())
    report = check(with_model(model), "cpu", dataset, child)
    rows = report.in_shape[0]
    assert [(each.name, each.kind, each.in_shape, each.out_shape, each.n_parameters, each.trainable)
            for each in report.layers] == [
        ("layers.0", "Linear", (rows, 1), (rows, 5), 10, False),
        ("layers.1", "ReLU", (rows, 5), (rows, 5), 0, False),
        ("layers.2", "Linear", (rows, 5), (rows, 1), 6, True),
    ]  # fmt: skip
    assert report.out_shape == (rows, 1) and report.n_parameters == 28
    assert child.is_alive
    child.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("sys.exit(0)", "sys.exit"),
        ("torch.zeros(10**13)", "more memory is asked for"),
        ("self.n = [bytearray(1 << 27) for _ in range(10**4)]", "more memory is asked for"),
        ("x = torch.cat([x, x], dim=1)", "give another shape"),
        ("self.forward(x)", "calls itself without end"),
        ("raise ValueError('bad\\nvalue')", "ValueError: bad value."),
        ("input()", "nobody can answer input()"),
        ("return x.new_zeros(len(x), 7)", "[32, 1] is needed"),
    ],
)
def test_what_goes_wrong_is_a_sentence_with_its_line(children, dataset, body, says):
    if says == "give another shape":
        says = "this Linear (layer) expects 1 features, the data gives 2"
        error = refused(children, dataset, doing(body))
        assert error.line == LINE + 1 and says in str(error)  # where the layer is called
        return
    error = refused(children, dataset, doing(body))
    assert error.line == (LINE - 1 if "[32, 1]" in says else LINE) and says in str(error)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("os._exit(0)", "ends its own process"),
        ("ctypes.string_at(0)", "crashed there (SIGSEGV)"),
        ("os.abort()", "crashed there (SIGABRT)"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_ends_leaves_the_line_behind(children, dataset, body, says):
    error = refused(children, dataset, doing(body))
    assert isinstance(error, EndedError) and error.line == LINE and says in str(error)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[write(fd) for fd in range(3, 12)]", "cannot be understood"),
        ("os.closerange(0, 200)", "process"),  # whether it ends of that within moments hangs on the machine
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_that_is_written_to_or_closed_ends_the_child_and_nothing_waits(children, dataset, body, says):
    write = "def write(fd):\n    try:\n        os.write(fd, b'x' * 99)\n    except OSError:\n        pass"
    text = doing(body).code.replace("class Mine", f"{write}\n\n\nclass Mine")
    assert says in str(refused(children, dataset, ex.OwnCode(code=text)))


@pytest.mark.skipif(os.name != "posix", reason="processes of POSIX")
def test_what_own_code_has_begun_ends_with_its_child_and_a_divided_process_is_refused(children, dataset, tmp_path):
    place = str(tmp_path / "pids")
    start = f"open({place!r}, 'a').write(str(__import__('subprocess').Popen(['sleep', '600']).pid) + ' ')"
    divide = f"pid = os.fork(); pid and open({place!r}, 'a').write(str(pid) + ' ')"
    model = doing(f"{start}; {divide}")
    child = child_for(model, child=children.new())
    report = check(with_model(model), "cpu", dataset, child)
    assert report.out_shape == (32, 1)  # one answer, not two
    child.close()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    ended = threading.Event()
    deadline = time.monotonic() + 20
    while any(map(running, pids)) and time.monotonic() < deadline:
        ended.wait(0.05)
    assert len(pids) >= 2 and not any(map(running, pids))


def test_a_process_that_is_killed_is_a_sentence_without_a_line(children, dataset):
    error = refused(children, dataset, doing("os.kill(os.getpid(), 9)"))
    assert error.line == 0 and "was killed" in str(error)


@pytest.mark.parametrize("body", ["while True: pass", "re.match('(a+)+$', 'a' * 60 + 'b')"], ids=["loop", "regex"])
def test_what_does_not_end_is_ended_and_its_line_said(children, dataset, body):
    model = doing(body)
    child = child_for(model, child=children.new())
    child.wait_until_ready()
    error = refused_by(child, model, dataset, seconds=4.0)
    assert isinstance(error, EndedError) and error.line == LINE and "after 4 seconds" in str(error)


def refused_by(child, model, dataset, seconds) -> OwnCodeError:
    with pytest.raises(OwnCodeError) as caught:
        check(with_model(model), "cpu", dataset, child, seconds)
    assert not child.is_alive
    return caught.value


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        ("import torch\nfrom torch import nn\nclass M(nn.Module):\n    x = 1 / 0\n", 4, "ZeroDivisionError"),
        ("from torch import nn\nclass M(nn.Module):\n    def __init__(self):\n        self.l = nn.Linear(1, 1)\n", 4,
         "super().__init__()"),
        ("import nothing_like_it\nfrom torch import nn\nclass M(nn.Module):\n    pass\n", 1, "nothing_like_it"),
        ("from torch import nn\nclass M(nn.Linear):\n    def __new__(cls): return 3\n", 2, "is no nn.Module"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_imported_or_built_is_told_by_line(children, dataset, code, line, says):
    error = refused(children, dataset, ex.OwnCode(code=code))
    assert error.line == line and says in str(error)


def test_a_model_with_nothing_to_learn_is_told_so(children, dataset):
    model = ex.OwnCode(code="from torch import nn\nclass M(nn.Module):\n    pass\n")
    child = child_for(model, child=children.new())
    with pytest.raises(InputError, match="no parameter to train"):
        check(with_model(model), "cpu", dataset, child)
    child.close()


def test_a_text_with_no_model_starts_no_process():
    with pytest.raises(OwnCodeError, match="line 1"):
        child_for(ex.OwnCode(code="def f(:"))


# ------------------------------------------------------------------------------------------------- in the fit

LATE = "self.n += 1\n        if self.n > 40:\n            {}"
"""Works in the check and for some epochs."""


def test_stop_ends_a_forward_that_does_not_end_within_moments(children, dataset):
    session = opened(children, dataset, doing(LATE.format("while True: pass")))
    session.advance(epochs=2)
    before = session.history.losses.copy()
    threading.Timer(1.2, children.stop.set).start()
    started = time.monotonic()
    with pytest.raises(StoppedError) as caught:
        session.advance()
    assert time.monotonic() - started < 20 and caught.value.line == LINE + 2
    assert not session.is_alive and not session.can_go_on
    assert session.history.losses.tobytes() == before.tobytes()
    with pytest.raises(EndedError, match="fit it anew"):
        session.predict(dataset.X_test)


@pytest.mark.parametrize("body", ["raise ValueError('late')", "os._exit(0)", "sys.exit()"])
def test_what_fails_in_the_fit_ends_it_with_the_line(children, dataset, body):
    session = opened(children, dataset, doing(LATE.format(body)))
    with pytest.raises(OwnCodeError) as caught:
        session.advance()
    assert caught.value.line == LINE + 2 and not session.is_alive and not session.can_go_on


def test_answers_that_make_no_sense_end_the_child(children, dataset):
    session = opened(children, dataset, doing("pass"))
    session.n_outputs = session.model._n_outputs = 2
    with pytest.raises(OwnCodeError):
        session.predict(dataset.X_test)
    assert not session.is_alive


# ------------------------------------------------------------------------------------------------- its end


def running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process that holds the interpreter")
def test_it_ends_with_its_parent_that_is_killed_whatever_it_is_doing_and_so_does_one_that_waits(tmp_path):
    (tmp_path / "own.py").write_text(doing("re.match('(a+)+$', 'a' * 60 + 'b')").code)
    code = (
        "import sys, threading, os\nfrom engine import experiment as ex\nfrom engine.data.dataset import load_dataset\n"
        "from engine.own_code.remote import check, child_for, new_child\n"
        "model = ex.OwnCode(code=open(sys.argv[1]).read())\nchild = child_for(model)\nchild.wait_until_ready()\n"
        "spare = new_child()\nprint(child.process.pid, spare.process.pid, flush=True)\n"
        "threading.Timer(1.5, lambda: os.kill(os.getpid(), 9)).start()\n"
        "experiment = ex.Experiment(model=model)\n"
        "check(experiment, 'cpu', load_dataset(experiment.data), child, 60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "own.py")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    ended = threading.Event()
    deadline = time.monotonic() + 20
    while any(map(running, pids)) and time.monotonic() < deadline:
        ended.wait(0.05)
    assert len(pids) == 2 and not any(map(running, pids))


def test_closing_leaves_no_process_and_no_file(children):
    child = children.new()
    child.give(HEAD)
    folder = Path(child._folder.name)
    assert (folder / "my_model.py").read_text() == HEAD
    assert folder.stat().st_mode & 0o077 == 0
    child.close()
    assert not folder.exists() and child.process.returncode == -signal.SIGKILL
    child.close()
