"""Step 6: the plain PyTorch script that does exactly what the window does. Text alone: torch is not needed here.

The script is the oracle: a test runs it in a fresh process and holds its losses against the session's, bit by bit.
"""

from __future__ import annotations

from engine import experiment as ex
from engine.data.rows import Reading
from engine.models.inputs import Inputs
from engine.pretrained.matching import Match
from engine.script import steps, stream
from engine.script.data import data_imports, data_lines, usual_reading
from engine.script.fit import fit_imports, fit_lines
from engine.script.model import model_lines
from engine.script.weights import weights_imports


def script(
    experiment: ex.Experiment,
    device: str = "cpu",
    reading: Reading | None = None,
    inputs: Inputs | None = None,
    match: Match | None = None,
) -> str:
    """The script for `experiment`.

    `reading` has the lines that read a file (a Dataset has them), `inputs` what the model takes and `match` what of a
    file goes into it at first (a Session has both); where they are not known yet, the usual reading and what the
    experiment itself tells stand in for them.
    """
    reading = reading or usual_reading(experiment.data.source)
    has_validation = experiment.data.split.validation > 0 or experiment.data.split.method == "by column"
    if isinstance(experiment.data.source, ex.ParquetStream):
        imports = stream.stream_imports(experiment.data)
        forward = "forward" if experiment.fit.computing.compile else "model"
        data = stream.data_lines(experiment.data, experiment.data.source, forward)
        evaluate = stream.evaluate_lines(experiment)
    else:
        imports = data_imports(experiment.data, reading)
        data = data_lines(experiment, reading, has_validation)
        evaluate = steps.evaluate_lines(experiment)
    imports = imports + weights_imports(experiment.model, match) + fit_imports(experiment.fit)
    sections = [
        _head(experiment, device, imports),
        data,
        model_lines(experiment, inputs, match),
        fit_lines(experiment, has_validation, device),
        evaluate,
        steps.improve_lines(has_validation),
        steps.save_lines(experiment.model),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(experiment: ex.Experiment, device: str, imports: list[str]) -> list[str]:
    has_class = isinstance(experiment.model, ex.LinearRegressionModel | ex.LinearRegressionModelV2)
    own = [] if has_class else ["import copy"]
    wanted = {*own, *imports, "import torch", "from torch import nn"}
    standard = sorted(line for line in wanted if line.split()[1].split(".")[0] in STANDARD)
    others = sorted(wanted - set(standard), key=lambda line: (line.startswith("from"), line))
    return [
        '"""The PyTorch workflow in six steps. Prints the losses of every epoch."""',
        "",
        *standard,
        *([""] if standard else []),
        *others,
        "",
        f'device = "{device}"{"" if device == "cpu" else INEXACT}',
    ]


INEXACT = "  # not every sum on a GPU has a fixed order: the last digits can differ from run to run"
STANDARD = ("collections", "copy", "datetime", "math", "pathlib", "re", "time")
"""Modules of Python's own library that a script may use; they stand first."""
