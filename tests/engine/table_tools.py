"""What the tests of tables share: parsing without a child, and the script's lines beside the session's tensors."""

from __future__ import annotations

import msgspec
import numpy as np
import torch

from engine.data.child_main import WORKS
from engine.data.rows import Learned, Rows


def parse_here(work, request, *, folder, seconds, memory, on_progress=None, cancelled=None, child=None):
    """As `child.ask`, in this process."""
    order = msgspec.json.decode(msgspec.json.encode(request))
    answer = WORKS[work](order, folder, on_progress or (lambda _share: None))
    return msgspec.json.decode(msgspec.json.encode(answer))


class Made:
    """X and y of a source's rows, as NumPy arrays; the first of two rows train where something is learned."""

    def __init__(self, rows: Rows, train: np.ndarray | None = None) -> None:
        self.rows, self.warnings, self.reading = rows, rows.warnings, rows.reading
        self.train = np.arange(0, len(rows.y), 2) if train is None else train
        made: tuple[torch.Tensor, Learned] = rows.prepare(self.train)
        self.X, self.learned, self.y = made[0].numpy(), made[1], rows.y.numpy()


def run_lines(made: Made) -> dict:
    """The names that the script's lines leave behind."""
    namespace: dict = {"torch": torch, "train": made.train}
    exec("\n".join([*made.reading.imports, *made.reading.read, *made.reading.prepare]), namespace)
    return namespace


def same_bits(made: Made) -> Made:
    """Assert that the script's lines make the same tensors to the last bit."""
    script = run_lines(made)
    for name in ("X", "y"):
        ours, theirs = torch.from_numpy(getattr(made, name)), script[name]
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert ours.is_contiguous() and theirs.is_contiguous()
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    assert made.X.dtype == np.float32 and made.X.flags.writeable
    if made.rows.classes:
        assert tuple(script["classes"]) == made.rows.classes and made.y.dtype == np.int64
    if made.rows.which is not None:
        assert tuple(script["which"]) == made.rows.which
    return made
