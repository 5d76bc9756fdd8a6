"""Sixstep: the PyTorch workflow in a window. Without an argument it opens; `python main.py --help` says more."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session


def main(arguments: list[str]) -> int:
    """Open the window, or do a command without it. Returns the exit code."""
    from engine.headless import COMMANDS

    if arguments and (arguments[0] in COMMANDS or arguments[0].startswith("-")):
        return headless(arguments)
    if not has_display():
        return without_display()
    if sys.platform == "win32":
        import torch  # noqa: F401 - on Windows its libraries must be loaded before Qt's
    from gui.app import run

    return run(Path(arguments[0]) if arguments else None, sys.argv[:1])


def headless(arguments: list[str]) -> int:
    """Do a command in the terminal."""
    from engine.headless import run

    return run(arguments, draw)


def draw(session: Session, path: Path) -> None:
    """Draw the window's plots into a PNG file; raises ImportError where Qt cannot load."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from gui.snapshot import draw_fit

    draw_fit(session, path)


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def without_display() -> int:
    """Say so, and fit the straight line in the terminal instead."""
    import shutil

    hint = " To open the window on a virtual screen: xvfb-run -a make run" if shutil.which("xvfb-run") else ""
    print(f"There is no display, so the straight line is fitted here in the terminal.{hint}")
    return headless(["fit", "straight-line", "--out", "sixstep-out"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
