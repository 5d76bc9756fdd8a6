"""Child processes for own code: while one is used, the next loads torch already."""

from __future__ import annotations

import threading

from engine import experiment as ex
from engine.own_code.child import OwnChild

MEMORY = 3 * 2**30
HEAD = """\
import ctypes
import os
import re
import sys

import torch
from torch import nn


class Mine(nn.Module):
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], n_outputs)
        self.n = 0

    def forward(self, x):
"""
LINE = HEAD.count("\n") + 1
"""The line of what `forward` does first."""


def doing(body: str) -> ex.OwnCode:
    """A linear model whose forward does something else first, on LINE."""
    return ex.OwnCode(code=f"{HEAD}        {body}\n        return self.layer(x)\n")


class Children:
    """Each child is new; `stop` is what a person who presses Stop sets."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._next: OwnChild | None = None

    def new(self) -> OwnChild:
        """A child that has no text yet."""
        self.stop.clear()
        child = self._next or self._start()
        self._next = self._start()
        return child

    def _start(self) -> OwnChild:
        return OwnChild(MEMORY, self.stop.is_set)

    def close(self) -> None:
        """End the one that waits."""
        if self._next is not None:
            self._next.close()
