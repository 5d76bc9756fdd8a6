"""Step 1: where the rows come from, how they are divided, how they are scaled."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.files import Images, ParquetStream, Sequences, Table, Text
from engine.experiment.generated import (
    XOR,
    Blobs,
    Bundled,
    Circles,
    Formula,
    Moons,
    Painted,
    Polynomial,
    Sine,
    Spirals,
    StraightLine,
)
from engine.experiment.part import Part

Source = (
    StraightLine | Polynomial | Sine | Formula | Circles | Moons | Blobs | XOR | Spirals | Painted | Bundled
    | Table | Images | Text | Sequences | ParquetStream
)  # fmt: skip
FileSource = Table | Images | Text | Sequences | ParquetStream


SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""What a column may say of a row, in any case."""


class Split(Part, frozen=True):
    """Which rows train, which validate; the rest is the test set."""

    train: Annotated[
        int, Meta(ge=1, le=99, title="Training", description="Share of the rows that the model learns from.",
                  extra={"suffix": " %", "lesson": (60, 80)})
    ] = 80
    validation: Annotated[
        int, Meta(ge=0, le=98, title="Validation", description="Share of the rows to choose settings by.",
                  extra={"suffix": " %", "lesson": (10, 20)})
    ] = 0
    method: Annotated[
        Literal["in order", "random", "stratified", "by column"],
        Meta(title="Method", description="In order for rows in time; random; random with the same share of each "
             "class everywhere; or a column that says train, validation or test."),
    ] = "in order"
    seed: Annotated[
        int, Meta(ge=0, le=2**32 - 1, title="Split seed", description="random_state: decides which rows go where.")
    ] = 42
    column: Annotated[
        str, Meta(title="Split column", description="The column that says train, validation or test of each row.")
    ] = ""

    def __post_init__(self) -> None:
        if self.train + self.validation > 99:
            raise ValueError(
                f"training {self.train} % and validation {self.validation} % leave nothing to test: lower one of them"
            )
        if self.method == "by column" and not self.column:
            raise ValueError("name the column that says which row is which")

    @property
    def test(self) -> int:
        """Share of the rows in the test set, in percent."""
        return 100 - self.train - self.validation


Scale = Literal["none", "standardise", "min-max", "robust"]


class ColumnScaling(Part, frozen=True):
    """How one feature is scaled, where it is not as the others."""

    name: str
    scale: Scale


class Scaling(Part, frozen=True):
    """How numbers are brought to a common size: found on the training rows alone, then done to all."""

    features: Annotated[
        Scale,
        Meta(title="Features", description="Mean 0 and deviation 1; 0 to 1; or median 0 and quartiles 1 apart."),
    ] = "none"
    target: Annotated[
        Scale, Meta(title="Target", description="The same for a target of numbers; scores are in its own unit.")
    ] = "none"
    columns: tuple[ColumnScaling, ...] = ()
    """Features that are scaled otherwise."""

    def of(self, feature: str) -> Scale:
        """How the feature of that name is scaled."""
        return next((column.scale for column in self.columns if column.name == feature), self.features)


class Data(Part, frozen=True):
    """Step 1: where the rows come from, how they are divided and scaled."""

    source: Source = StraightLine()
    drop_duplicates: Annotated[
        bool, Meta(title="Drop duplicates", description="Of rows that are the same, keep the first.")
    ] = False
    split: Split = Split()
    scaling: Scaling = Scaling()

    def __post_init__(self) -> None:
        if self.scaling.columns and not isinstance(self.source, Table | Sequences | ParquetStream):
            raise ValueError("single columns are scaled in tables alone: scale all features alike")
