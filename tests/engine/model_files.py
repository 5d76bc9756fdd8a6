"""Model files for tests: made of a short fit, taken apart, and refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine import experiment as ex
from engine.errors import InputError
from engine.model_file import open_model
from engine.session import Session

F32 = np.float32


class Bomb:
    """Prints a sentence when it is unpickled."""

    def __reduce__(self):
        return (print, ("this code came out of a file",))


def fitted(experiment: ex.Experiment, epochs: int = 5) -> Session:
    session = Session(experiment)
    session.advance(epochs=epochs)
    session.extend(epochs)
    return session


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
