"""Step 3: what to say when the loss explodes."""

from __future__ import annotations

from engine.data.dataset import Dataset
from engine.data.guards import LARGE


def advice(lr: float, epoch: int, dataset: Dataset) -> str:
    """What happened after so many epochs, and what helps."""
    return (
        f"The loss became NaN or infinite after epoch {epoch}: the steps are too large for this data. "
        f"{_scaling(dataset)}Try a much smaller learning rate, such as {lr / 10:g} instead of {lr:g}; "
        "the model keeps its last finite weights."
    )


def _scaling(dataset: Dataset) -> str:
    """What else helps where the numbers themselves are large."""
    tensors = {"features": dataset.X_train, "target": dataset.y_train}
    numbers = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    large = [name for name, tensor in numbers.items() if float(tensor.abs().max()) >= LARGE]
    return f"Standardise the {' and the '.join(large)} in step 1. " if large else ""
