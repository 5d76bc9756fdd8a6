"""Step 2: the small models that come with Sixstep, and where the weights of an experiment are. Needs no torch."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.errors import InputError
from engine.files import RESOURCES, SHIPPED

MODELS = RESOURCES / "models"


class ShippedModel(msgspec.Struct, frozen=True):
    """What resources/models/models.toml says of a model."""

    name: str
    title: str
    """What it is, in one line."""
    takes: tuple[int, ...]
    """The shape of one row."""
    classes: tuple[str, ...]
    accuracy: float
    """The share of test rows that it gets right."""

    @property
    def path(self) -> Path:
        """The file of its weights."""
        return MODELS / f"{self.name}.pt"


def shipped_models() -> tuple[ShippedModel, ...]:
    """The models that come with Sixstep."""
    content = (MODELS / "models.toml").read_bytes()
    return tuple(msgspec.toml.decode(content, type=dict[str, list[ShippedModel]])["models"])


def weights_path(weights: str) -> Path:
    """The file that an experiment's `weights` means. Raises InputError for a name that Sixstep has no model of."""
    if not weights.startswith(SHIPPED):
        return Path(weights)
    name = weights.removeprefix(SHIPPED)
    known = {model.name: model.path for model in shipped_models()}
    if name not in known:
        raise InputError(f"{weights} is no model that comes with Sixstep: choose {', '.join(known)} in step 2.")
    return known[name]
