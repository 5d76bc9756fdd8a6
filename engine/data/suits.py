"""Steps 1 and 2 together: a model and a loss that suit the data, where those at hand do not. Needs no torch."""

from __future__ import annotations

from engine import experiment as ex
from engine.models.ending import find_wrong_end, without_end

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


def why_not(kind: type[ex.Loss], source: ex.Source) -> str:
    """Why a loss is not for this data, in a sentence; empty where it is, as far as the experiment itself tells: two
    classes are only counted where the data is read."""
    is_class, n = is_classification(source), n_classes(source)
    if kind not in ex.CLASS_LOSSES and is_class:
        return "It is for numbers, and the target here is a class."
    if kind in ex.CLASS_LOSSES and not is_class:
        return "It is for classes, and the target here is a number."
    if kind in ex.TWO_CLASS_LOSSES and n not in (2, None):
        return f"It tells two classes apart, and here there are {n}."
    if kind is ex.losses.KLDivLoss and not (isinstance(source, ex.Table) and len(source.targets) > 1):
        return "It is for several targets that are shares of a whole, and here there is one."
    return ""


def has_pictures(source: ex.Source) -> bool:
    """Whether the rows of a source are pictures."""
    return isinstance(source, ex.Images) or source == ex.Bundled(name="digits")


def takes_backbone(source: ex.Source) -> bool:
    """Whether there are backbones for the rows of a source: for pictures and for texts."""
    return has_pictures(source) or isinstance(source, ex.Text)


def split_methods(source: ex.Source) -> tuple[str, ...]:
    """How the rows of a source can be divided."""
    if isinstance(source, ex.Sequences | ex.ParquetStream):
        return ("in order",)  # windows must not reach from one part into the other; a stream is read as it lies
    methods = ["in order", "random"]
    if is_classification(source):
        methods.append("stratified")
    if isinstance(source, ex.Table):
        methods.append("by column")
    return tuple(methods)


def with_data(experiment: ex.Experiment, source: ex.Source) -> ex.Experiment:
    """The experiment with other data and all that goes with it: how it is divided and scaled, its loss and model.

    Rows that lie sorted by class are not left in order, or a class would be missing somewhere.
    """
    data = experiment.data
    split, is_other = data.split, type(source) is not type(data.source)
    if split.method not in split_methods(source):
        split = ex.replace(split, method="in order", column="")
    if is_other and split.method == "in order" and "stratified" in split_methods(source):
        is_mixed = isinstance(source, ex.Circles | ex.Moons | ex.Blobs | ex.XOR | ex.Spirals)
        split = ex.replace(split, method="random" if is_mixed else "stratified")
    scaling = ex.replace(data.scaling, columns=()) if is_other else data.scaling
    fit, has_others = experiment.fit, _what_is_told_apart(source) != _what_is_told_apart(data.source)
    if has_others and isinstance(fit.loss, ex.TWO_CLASS_LOSSES) and n_classes(source) is None:
        fit = ex.replace(fit, loss=ex.CrossEntropyLoss())  # it takes two classes and more
    model = experiment.model
    if isinstance(model, ex.Backbone) and model.folder and has_pictures(source) != has_pictures(data.source):
        model = ex.Layers()  # one of pictures takes no texts
    if isinstance(model, ex.Exported) and model.path and is_other:
        model = ex.Layers()  # a program takes rows of one shape
    data = ex.replace(data, source=source, split=split, scaling=scaling)
    return suited(ex.replace(experiment, data=data, fit=fit, model=model))


def reads_the_same(one: ex.Data, other: ex.Data) -> bool:
    """Whether the script's lines that make all rows are the same for both."""
    if isinstance(one.source, ex.Sequences | ex.ParquetStream) or "by column" in (one.split.method, other.split.method):
        return one == other
    return (one.source, one.drop_duplicates) == (other.source, other.drop_duplicates)


def suited(experiment: ex.Experiment) -> ex.Experiment:
    """The same experiment with another loss and model, only where those that it has cannot be used for its data."""
    source, fit, model = experiment.data.source, experiment.fit, experiment.model
    if why_not(type(fit.loss), source):
        loss: ex.Loss = ex.CrossEntropyLoss() if is_classification(source) else ex.MSELoss()
        fit = ex.replace(fit, loss=loss)
        if isinstance(model, ex.Sequential):  # its end was for the other loss
            model = ex.replace(model, layers=without_end(model.layers))
    one_a_class = isinstance(fit.loss, ex.CLASS_LOSSES) and not isinstance(fit.loss, ex.TWO_CLASS_LOSSES)
    several = one_a_class or isinstance(fit.loss, ex.losses.GaussianNLLLoss)
    one_number = not several and not (isinstance(source, ex.Table) and len(source.targets) > 1)
    flat = not isinstance(source, ex.Images | ex.Text | ex.Sequences) and source != ex.Bundled(name="digits")
    if fit != experiment.fit and fit.optimizer == ex.SGD():
        fit = ex.replace(fit, optimizer=ex.Adam(lr=0.01))  # plain SGD at 0.01 hardly moves in 200 epochs
    takes_it = {ex.LinearRegressionModel: one_number and flat, ex.LinearRegressionModelV2: flat}
    takes_it[ex.Backbone] = takes_backbone(source)
    if not takes_it.get(type(model), True):
        model = ex.Layers()
    mended = ex.replace(experiment, fit=fit, model=model)
    wrong = find_wrong_end(mended)
    return mended if wrong is None else wrong.experiment


def n_classes(source: ex.Source) -> int | None:
    """How many classes there are, as far as the experiment itself tells; None where only the data does."""
    match source:
        case ex.Circles() | ex.Moons() | ex.XOR():
            return 2
        case ex.Blobs() | ex.Spirals():
            return source.classes
        case ex.Bundled():
            return {"iris": 3, "wine": 3, "breast cancer": 2, "digits": 10}.get(source.name)
        case ex.Table():
            return 2 if source.column(source.targets[0]).type == "yes/no" else None
        case _:
            return None


def _what_is_told_apart(source: ex.Source) -> tuple[object, ...]:
    """What is new whenever there may be other classes."""
    match source:
        case ex.Table():
            return type(source), source.path, source.target, source.column(source.targets[0]).type
        case ex.Text():
            return type(source), source.path, source.label
        case ex.Images():
            return type(source), source.path
        case _:
            return (type(source),)
