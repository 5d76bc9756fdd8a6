"""Step 2: a model that was exported with torch.export."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.part import Part


class Exported(Part, frozen=True, tag_field="kind", tag="exported"):
    """A program of torch.export (.pt2), run operation by operation as it was exported."""

    path: Annotated[
        str, Meta(max_length=4096, title="Program", description="The path of a .pt2 file that torch.export.save wrote.")
    ] = ""  # fmt: skip
    frozen: Annotated[
        bool, Meta(title="Frozen", description="The program keeps its weights; a new head alone learns.")
    ] = True  # fmt: skip
    head: Annotated[
        Literal["new", "keep"],
        Meta(title="Head", description="New: a fresh nn.Linear for the task at hand takes the place of the last Linear "
             "(where there is none, it stands on the flattened output). Keep: the program as it is."),
    ] = "new"  # fmt: skip
