"""Steps 2 and 3: what is made small, by what, in which steps, for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.losses import L1Loss, Loss
from engine.experiment.optimizers import SGD, Optimizer
from engine.experiment.part import Part
from engine.experiment.schedulers import Scheduler


class Batches(Part, frozen=True):
    """How many rows go into one step; rows that stay on disk have a batch size of their own in step 1."""

    size: Annotated[
        int, Meta(ge=0, le=10_000_000, title="Batch size",
                  description="Rows in a batch; 0: all rows at once, as in the course.",
                  extra={"suffix": " rows", "zero": "all rows"})
    ] = 0
    shuffle: Annotated[
        bool, Meta(title="Shuffle", description="Every epoch in another order, drawn from the seed and the epoch.")
    ] = True
    drop_last: Annotated[
        bool, Meta(title="Drop last", description="Leave out the last batch of an epoch where it is not full.")
    ] = False
    accumulate: Annotated[
        int, Meta(ge=1, le=10_000, title="Accumulate", description="Batches whose mean gradient makes one step: as "
                  "if the batch were so many times as large, without its memory.", extra={"suffix": " batches"})
    ] = 1

    def per_epoch(self, n_rows: int) -> int:
        """How many batches an epoch of so many rows has."""
        if not self.size:
            return 1
        return max(1, n_rows // self.size) if self.drop_last else -(-n_rows // self.size)

    def steps(self, n_rows: int) -> int:
        """How many steps the optimizer takes in an epoch of so many rows."""
        return -(-self.per_epoch(n_rows) // self.accumulate)


class Gradients(Part, frozen=True):
    """What is done to the gradients, and who takes which steps."""

    l1: Annotated[
        float, Meta(ge=0, le=1e6, title="L1 penalty", description="Adds this times the sum of all absolute parameters "
                    "to what is made small: many become 0. The losses shown are without it.")
    ] = 0.0
    clip_norm: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(title="Clip norm", description="Shortens all gradients together to this length; empty: never.")
    ] = None
    clip_value: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(title="Clip value", description="Keeps every gradient between minus this and this; empty: never.")
    ] = None
    decay_biases: Annotated[
        bool, Meta(title="Decay biases", description="Whether the weight decay also pulls at biases and norms.")
    ] = True
    backbone_lr: Annotated[
        float, Meta(ge=0, le=1, title="Backbone rate", description="All layers but the last learn at this times the "
                    "learning rate; for a pretrained model with a new head.", extra={"suffix": " x"})
    ] = 1.0


class Stopping(Part, frozen=True):
    """When a fit ends before its last epoch."""

    patience: Annotated[
        int, Meta(ge=0, le=10_000_000, title="Patience", description="Ends after so many epochs in which the "
                  "validation loss (the training loss, without validation rows) has not gained; 0: never.",
                  extra={"suffix": " epochs", "zero": "never"})
    ] = 0
    min_delta: Annotated[
        float, Meta(ge=0, title="Smallest gain", description="A loss counts as better when it is lower by this.")
    ] = 0.0
    restore_best: Annotated[
        bool, Meta(title="Restore best", description="With patience: at the end take the weights of the best epoch.")
    ] = True
    target_loss: Annotated[
        float | None, Meta(title="Target loss", description="Ends once the same loss is this or lower; empty: never.")
    ] = None
    seconds: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(title="Time limit", description="Ends after so many seconds of training, which is not the same "
             "epoch in each run; empty: never.", extra={"suffix": " s"})
    ] = None


class Computing(Part, frozen=True):
    """How the device computes."""

    precision: Annotated[
        Literal["float32", "bfloat16", "float16"],
        Meta(title="Precision", description="Of the forward pass (autocast); weights stay float32. float16 is for "
             "CUDA alone, bfloat16 for CUDA and the CPU."),
    ] = "float32"
    compile: Annotated[
        bool, Meta(title="Compile", description="torch.compile: a slow start, then faster epochs of large models.")
    ] = False


class Fit(Part, frozen=True):
    """Steps 2 and 3: what is made small, by what, for how long."""

    loss: Loss = L1Loss()
    optimizer: Optimizer = SGD()
    scheduler: Scheduler | None = None
    epochs: Annotated[
        int, Meta(ge=1, le=10_000_000, title="Epochs", description="How often the loop sees all the training data.")
    ] = 200
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, title="Seed", description="torch.manual_seed, right before the model is built.")
    ] = 42
    batches: Batches = Batches()
    gradients: Gradients = Gradients()
    stopping: Stopping = Stopping()
    computing: Computing = Computing()
