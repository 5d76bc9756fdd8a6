"""Run a Python file in a process of its own without paying for `import torch` each time.

A first process imports torch, polars and Qt (none of Sixstep) and waits. Each run is a fork of it: own memory, own
exit code, output as at a terminal. What a run leaves behind is gone with it.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

LONGEST = 60
"""Seconds that a run may take; a longer one is killed, and its exit code says so."""
ROOM = 4 * 2**30
"""Bytes that a run may ask for beyond what it starts with: one that wants more fails, and nothing else does."""


@dataclass(frozen=True)
class Finished:
    """What a process left: its exit code and what it printed."""

    code: int
    out: str
    err: str


class WarmPython:
    """The waiting process, as seen from a test."""

    def __init__(self) -> None:
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(
        self, file: Path, *arguments: object, cwd: Path, without: tuple[str, ...] = (), largest_file: int = -1
    ) -> Finished:
        """Run `file` with `arguments` in the folder `cwd`, to its end.

        `without` names variables of the environment that are not set; writing fails beyond `largest_file` bytes.
        """
        argv = [str(file), *map(str, arguments)]
        request = {"argv": argv, "cwd": str(cwd), "without": without, "largest_file": largest_file}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return Finished(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the waiting process; once is enough."""
        if self.process.returncode is not None:
            return
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


shared = functools.cache(WarmPython)
"""The one that all folders of tests use."""


def _wait_for_work() -> None:
    import polars  # noqa: F401
    import pyqtgraph  # noqa: F401
    import sklearn.datasets
    import sklearn.model_selection  # noqa: F401
    import torch
    from PySide6 import QtWidgets  # noqa: F401

    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # imports the rest of torch
    assert not {"engine", "gui"} & sys.modules.keys()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        files = [os.memfd_create("out"), os.memfd_create("err")]
        child = os.fork()
        if not child:
            os.dup2(files[0], 1)
            os.dup2(files[1], 2)
            _become(**request)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out, err = map(_content, files)
        print(json.dumps({"code": code, "out": out, "err": err}), flush=True)
    os._exit(0)


def _become(argv: list[str], cwd: str, without: list[str], largest_file: int) -> None:
    signal.alarm(LONGEST)
    most = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0]) + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    for name in without:
        os.environ.pop(name, None)
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).parent)
    code: object = None
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as leave:
        code = leave.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # tearing down all of torch takes seconds


def _content(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(file, "rb") as stream:
        return stream.read().decode()


if __name__ == "__main__":
    _wait_for_work()
