"""A model's layers and what flows through them: made in step 2, shown there and in the middle of the window."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import experiment as ex
from engine.models.flow import Flow
from engine.models.inputs import Inputs


@dataclass(frozen=True)
class ModelFlow:
    """The layers of a model. One that is no list of layers is shown as if it were."""

    title: str
    """What the model is called."""
    model: ex.Sequential
    flow: Flow | None = None
    """None while the shapes of the data are not known."""
    inputs: Inputs = field(default_factory=lambda: Inputs((1,)))
    n_outputs: int = 1
    n_rows: int = 1
    """Rows that go through it in one step of the training."""
    is_list: bool = True
    """Whether the experiment's model is this very list."""

    @property
    def misfit(self) -> str:
        """Why it cannot be trained; empty where it can, or where that is not known."""
        return self.flow.misfit if self.flow else ""
