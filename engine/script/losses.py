"""What the loss decides in the script: y as it is taken, the lines that build it, what its outputs mean."""

from __future__ import annotations

from engine import experiment as ex
from engine.experiment.losses import is_balanced, options
from engine.script.sources import class_lines


def n_outputs(source: ex.Source, loss: ex.Loss) -> str:
    """What the script calls the number of outputs for a row."""
    if isinstance(loss, ex.CLASS_LOSSES):
        return "1" if isinstance(loss, ex.TWO_CLASS_LOSSES) else "len(classes)"
    n = len(source.targets) if isinstance(source, ex.Table) else 1
    return str(2 * n if isinstance(loss, ex.losses.GaussianNLLLoss) else n)


def target_lines(loss: ex.Loss) -> list[str]:
    """The lines that make y what the loss takes, before it is cut."""
    if not isinstance(loss, ex.TWO_CLASS_LOSSES):
        return []
    return ["y = y.float().unsqueeze(dim=1)  # one number a row is held against 0 or 1"]


def definition_lines(loss: ex.Loss) -> list[str]:
    """The class of a loss that torch has in another shape."""
    return class_lines("loss_modules").get(type(loss).__name__, [])


def loss_lines(loss: ex.Loss) -> list[str]:
    """The lines that build `loss_fn`, after X_train and y_train are there."""
    said = [f"{name}={value!r}" for name, value in options(loss).items()]
    lines = []
    if is_balanced(loss) and isinstance(loss, ex.BCEWithLogitsLoss):
        lines = [
            "n_second = (y_train == 1).sum(dim=0)",
            "pos_weight = (len(y_train) - n_second) / n_second.clamp(min=1)  # both classes count alike",
        ]
        said.append("pos_weight=pos_weight")
    elif is_balanced(loss):
        lines = [
            "n_rows = torch.bincount(y_train, minlength=len(classes))",
            "weight = n_rows.sum() / (len(classes) * n_rows.clamp(min=1))  # rare classes count more",
        ]
        said.append("weight=weight")
    name = type(loss).__name__
    where = "" if name in class_lines("loss_modules") else "nn."
    return [*lines, f"loss_fn = {where}{name}({', '.join(said)})"]


def answer_lines(loss: ex.Loss) -> list[str]:
    """The lines that make classes of the outputs y_pred and say how many are right."""
    match loss:
        case ex.BCEWithLogitsLoss():
            answers = "y_pred > 0  # a logit above 0 is a probability above one half"
        case ex.losses.BCELoss():
            answers = "y_pred > 0.5  # of the second class"
        case ex.losses.SoftMarginLoss():
            answers = "y_pred > 0  # the second class"
        case ex.CrossEntropyLoss():
            answers = "y_pred.argmax(dim=1)  # the class with the largest logit"
        case _:
            answers = "y_pred.argmax(dim=1)  # the class with the largest output"
    return [
        f"answers = {answers}",
        'print(f"accuracy {100 * (answers == y_test).double().mean():.2f} %")',
    ]


def predicted(loss: ex.Loss, y_pred: str) -> str:
    """What outputs for numbers say of the targets, in float64; `y_pred` is what the script calls them, on the CPU."""
    match loss:
        case ex.losses.PoissonNLLLoss(log_input=True) | ex.losses.KLDivLoss():
            return f"{y_pred}.double().exp()"
        case ex.losses.GaussianNLLLoss():
            return f"{y_pred}.double().chunk(2, dim=1)[0]"
        case _:
            return f"{y_pred}.double()"


def predicted_comment(loss: ex.Loss) -> str:
    """Why it is not just y_pred; empty where it is."""
    match loss:
        case ex.losses.PoissonNLLLoss(log_input=True):
            return "  # the model gives the logarithm of the rate"
        case ex.losses.KLDivLoss():
            return "  # the model gives the logarithms of the shares"
        case ex.losses.GaussianNLLLoss():
            return "  # the means, not the variances"
        case _:
            return ""
