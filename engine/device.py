"""Which devices there are, and which one "auto" means."""

from __future__ import annotations

import torch

from engine.errors import InputError

NAMES = ("auto", "cpu", "cuda", "mps")


def available() -> tuple[str, ...]:
    """The devices of this machine, the fastest last."""
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    if torch.cuda.is_available():
        found.append("cuda")
    return tuple(found)


def pick(name: str) -> str:
    """The device to use for `name`; "auto" takes a GPU where there is one. Raises InputError if it is not here."""
    devices = available()
    if name == "auto":
        return devices[-1]
    if name not in devices:
        raise InputError(f"Device {name!r} is not on this machine: choose {' or '.join(('auto', *devices))}.")
    return name
