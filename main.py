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
    from engine.files import preset_names

    preset = arguments[0] if len(arguments) == 1 and arguments[0] in preset_names() else ""
    if not preset and (len(arguments) > 1 or not all(Path(argument).exists() for argument in arguments)):
        names = " ".join(arguments)
        print(f"Error: {names} is no command, no preset and no file; see python main.py --help.", file=sys.stderr)
        return 2
    if not has_display():
        return without_display(arguments)
    if sys.platform == "win32":
        import torch  # noqa: F401 - on Windows its libraries must be loaded before Qt's
    from gui.app import run

    return run(Path(arguments[0]) if arguments and not preset else None, sys.argv[:1], preset)


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


def without_display(arguments: list[str]) -> int:
    """Say so; with a file that is all, without one fit the straight line in the terminal instead."""
    import shutil

    hint = " To open the window on a virtual screen: xvfb-run -a make run" if shutil.which("xvfb-run") else ""
    if arguments:
        sentence = f"there is no display to open {arguments[0]} on; see python main.py --help."
        print(f"Error: {sentence}{hint}", file=sys.stderr)
        return 2
    print(f"There is no display, so the straight line is fitted here in the terminal.{hint}")
    return headless(["fit", "straight-line", "--out", "sixstep-out"])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before a command has begun
        sys.exit(130)
