"""Step 2: whether a model ends in what its loss takes: probabilities, their logarithms, logits. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment import layers, losses
from engine.models.inputs import Inputs
from engine.models.stacks import as_sequential

PROBABILITIES = (layers.Sigmoid, layers.Hardsigmoid)
POSITIVE = (
    layers.Softplus, layers.Sigmoid, layers.Hardsigmoid, layers.ReLU, layers.ReLU6, layers.Softmax, layers.Softmin,
)  # fmt: skip


@dataclass(frozen=True)
class WrongEnd:
    """What does not go together, and what one click would do about it."""

    sentence: str
    mend: str
    """Such as "Add a Sigmoid"."""
    experiment: ex.Experiment
    """The mended one."""
    others: tuple[WrongEnd, ...] = ()
    """Other ways to mend the same."""


def check_end(experiment: ex.Experiment) -> None:
    """Raise InputError for a model whose outputs its loss is not defined for."""
    wrong = find_wrong_end(experiment)
    if wrong is not None:
        raise InputError(wrong.sentence)


def find_wrong_end(experiment: ex.Experiment) -> WrongEnd | None:
    """What is wrong with the model's end for its loss; None where nothing is, or where only its own code tells."""
    loss, model = experiment.fit.loss, experiment.model
    wanted = _wanted(loss)
    nobody_knows = isinstance(model, ex.OwnCode) or (isinstance(model, ex.Exported) and model.head == "keep")
    if wanted is None or nobody_knows or _ends_well(model, loss):
        return None
    what, last, instead, said = wanted
    name = type(last).__name__
    sentence = f"{type(loss).__name__} takes {what}, and the model ends in {_last_name(model)}"
    use = f"Use {said.split(',')[0]}"
    if instead is not None and not isinstance(model, ex.Sequential):
        return WrongEnd(f"{sentence}: choose {said}, in step 2.", use, _with(experiment, model, instead))
    stack = as_sequential(model, Inputs((1,)))  # only a table has shares as targets
    body = without_end(stack.layers)
    other = f", or choose {said}" if said else ""
    sentence = f"{sentence}: add a {name} at its end{other}, in step 2."
    others: tuple[WrongEnd, ...] = ()
    if instead is not None:
        others = (WrongEnd(sentence, use, _with(experiment, ex.replace(stack, layers=body), instead)),)
    ended = ex.replace(stack, layers=(*body, last))
    return WrongEnd(sentence, f"Add a {name}", _with(experiment, ended, loss), others)


def _with(experiment: ex.Experiment, model: ex.Model, loss: ex.Loss) -> ex.Experiment:
    return ex.replace(experiment, model=model, fit=ex.replace(experiment.fit, loss=loss))


def without_end(stack: tuple[ex.Layer, ...]) -> tuple[ex.Layer, ...]:
    """The layers without one at the end that makes probabilities, or squeezes numbers, for a loss of its own."""
    ends = (layers.Sigmoid, layers.Softmax, layers.LogSoftmax, layers.LogSigmoid, layers.Tanh)
    return stack[:-1] if stack and isinstance(stack[-1], ends) else stack


def _wanted(loss: ex.Loss) -> tuple[str, ex.Layer, ex.Loss | None, str] | None:
    """What the loss takes, the layer that gives it, the loss that needs no such layer, and how to say so."""
    match loss:
        case losses.BCELoss():
            said = "BCEWithLogitsLoss, which has it inside"
            return "a probability", layers.Sigmoid(), ex.BCEWithLogitsLoss(), said
        case losses.NLLLoss():
            said = "CrossEntropyLoss, which has it inside"
            instead = ex.CrossEntropyLoss(balanced=loss.balanced)
            return "the logarithms of probabilities", layers.LogSoftmax(), instead, said
        case losses.KLDivLoss():
            return "the logarithms of shares", layers.LogSoftmax(), None, ""
        case losses.PoissonNLLLoss():
            return "a rate above 0", layers.Softplus(), ex.replace(loss, log_input=True), "its log input"
        case _:
            return None


def find_double_end(experiment: ex.Experiment) -> WrongEnd | None:
    """A Sigmoid or Softmax before a loss that has one inside: it trains, only badly. None where there is none."""
    loss, model = experiment.fit.loss, experiment.model
    if not isinstance(model, ex.Sequential) or not model.layers:
        return None
    last = _last(model.layers)
    match loss:
        case ex.BCEWithLogitsLoss() | losses.SoftMarginLoss() | losses.MultiLabelSoftMarginLoss():
            is_double, inside = isinstance(last, PROBABILITIES), "a Sigmoid"
        case ex.CrossEntropyLoss():
            is_double, inside = isinstance(last, layers.Softmax | layers.LogSoftmax | layers.Sigmoid), "a Softmax"
        case _:
            return None
    if not is_double:
        return None
    name = type(last).__name__
    place = max(index for index, layer in enumerate(model.layers) if layer is last)
    mended = ex.replace(model, layers=model.layers[:place] + model.layers[place + 1 :])
    return WrongEnd(
        f"{type(loss).__name__} has {inside} inside and takes logits, and the model ends in {name} already: "
        "it would learn slowly, if at all.",
        f"Take the {name} out", ex.replace(experiment, model=mended),
    )  # fmt: skip


def _ends_well(model: ex.Model, loss: ex.Loss) -> bool:
    last = _last(model.layers) if isinstance(model, ex.Sequential) else None
    match loss:
        case losses.BCELoss():
            return isinstance(last, PROBABILITIES)
        case losses.NLLLoss() | losses.KLDivLoss():
            return isinstance(last, layers.LogSoftmax) and last.dim in (-1, 1)
        case losses.PoissonNLLLoss(log_input=False):
            return isinstance(last, POSITIVE)
        case _:
            return True


def _last(stack: tuple[ex.Layer, ...]) -> ex.Layer | None:
    """The last layer that changes a number."""
    return next((layer for layer in reversed(stack) if not isinstance(layer, layers.Identity)), None)


def _last_name(model: ex.Model) -> str:
    last = _last(model.layers) if isinstance(model, ex.Sequential) else None
    if isinstance(last, layers.LogSoftmax):
        return f"LogSoftmax along axis {last.dim}"
    return type(last).__name__ if last is not None else "Linear"
