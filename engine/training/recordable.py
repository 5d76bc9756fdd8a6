"""Step 3: whether an epoch can be recorded as a CUDA graph; said once for session and script. Needs no torch."""

from __future__ import annotations

from engine import experiment as ex
from engine.experiment.layers import draws, every

OPTIMIZERS = (
    ex.SGD,
    ex.Adam,
    ex.optimizers.AdamW,
    ex.optimizers.Adadelta,
    ex.optimizers.Adamax,
    ex.optimizers.ASGD,
    ex.optimizers.NAdam,
    ex.optimizers.RAdam,
    ex.optimizers.RMSprop,
    ex.optimizers.Rprop,
)
"""Those that keep nothing outside of the device, at the latest when their option capturable is on. The others count
their steps in Python, or look at a number before they go on."""
MODELS = (ex.LinearRegressionModel, ex.LinearRegressionModelV2, ex.Layers, ex.Sequential)
"""Those whose forward pass never waits for the device; nobody knows of a person's own code or of a backbone."""


def is_recordable(experiment: ex.Experiment, device: str) -> bool:
    """Whether every epoch of this fit starts the same work on the same memory, without a look at it in between."""
    fit, source = experiment.fit, experiment.data.source
    same_rows = not fit.batches.size and not isinstance(source, ex.ParquetStream)
    draws_nothing = not draws(experiment.model) and not (isinstance(source, ex.Images) and bool(source.augmentation))
    return (
        device.startswith("cuda")
        and same_rows
        and draws_nothing
        and fit.scheduler is None
        and isinstance(fit.optimizer, OPTIMIZERS)
        and isinstance(experiment.model, MODELS)
        and not (isinstance(source, ex.Text) and _reads_both_ways(experiment.model))  # it asks how long each text is
        and fit.computing.precision != "float16"  # its scaler reads whether the gradients are finite
        and not fit.computing.compile
    )


def _reads_both_ways(model: ex.Model) -> bool:
    layers = every(model.layers) if isinstance(model, ex.Sequential) else ()
    return any(getattr(layer, "bidirectional", False) for layer in layers)
