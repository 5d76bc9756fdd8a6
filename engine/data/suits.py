"""Steps 1 and 2 together: a model and a loss that suit the data, where those at hand do not. Needs no torch."""

from __future__ import annotations

from engine import experiment as ex

CLASSES = (ex.Circles, ex.Moons, ex.Blobs, ex.XOR, ex.Spirals, ex.Images, ex.Text)
"""Sources whose target is always a class."""


def is_classification(source: ex.Source) -> bool:
    """Whether the target is a class."""
    match source:
        case ex.Table():
            return source.is_classification
        case ex.Bundled():
            return source.name != "diabetes"
        case ex.Painted():
            return source.task == "classes"
        case _:
            return isinstance(source, CLASSES)


def suited(experiment: ex.Experiment) -> ex.Experiment:
    """The same experiment with another loss and model, only where those that it has cannot be used for its data."""
    source, fit, model = experiment.data.source, experiment.fit, experiment.model
    if is_classification(source) != isinstance(fit.loss, ex.CLASS_LOSSES):
        loss: ex.Loss = ex.CrossEntropyLoss() if is_classification(source) else ex.MSELoss()
        fit = ex.replace(fit, loss=loss)
    elif isinstance(fit.loss, ex.BCEWithLogitsLoss) and not _has_two_classes(source):
        fit = ex.replace(fit, loss=ex.CrossEntropyLoss())
    one_number = not isinstance(fit.loss, ex.CrossEntropyLoss) and not (
        isinstance(source, ex.Table) and len(source.targets) > 1
    )
    flat = not isinstance(source, ex.Images | ex.Text | ex.Sequences) and source != ex.Bundled(name="digits")
    takes_it = {ex.LinearRegressionModel: one_number and flat, ex.LinearRegressionModelV2: flat}
    if not takes_it.get(type(model), True):
        model = ex.Layers()
    return ex.replace(experiment, fit=fit, model=model)


def _has_two_classes(source: ex.Source) -> bool:
    """Whether there are two classes for sure, as far as the experiment itself tells."""
    match source:
        case ex.Circles() | ex.Moons() | ex.XOR():
            return True
        case ex.Blobs() | ex.Spirals():
            return source.classes == 2
        case ex.Bundled():
            return source.name == "breast cancer"
        case ex.Table():
            return source.column(source.targets[0]).type == "yes/no"
        case _:
            return False
