"""The commands of `python main.py COMMAND`: the workflow in a terminal. torch is imported when a command needs it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from engine import experiment as ex
from engine.data.suits import with_data
from engine.errors import InputError
from engine.files import (
    atomic_write,
    find_experiment,
    make_folder,
    preset_names,
    set_value,
    write_experiment,
)
from engine.interrupts import Interrupted, ending_in_order, waiting
from engine.own_code.trust import Trust

if TYPE_CHECKING:
    from engine.session import Session

Draw = Callable[["Session", Path], None]
"""Draws a session's plots into a PNG file; raises ImportError where it cannot."""

KINDS = ("table", "images", "text", "sequences", "parquet-stream")
COMMANDS = ("fit", "predict", "script", "presets", "inspect")


def run(arguments: Sequence[str], draw: Draw) -> int:
    """Do what the arguments say. Returns 0, 2 after an error in one sentence, 130 or 143 when it is interrupted."""
    try:
        with ending_in_order():
            options = _parser().parse_args(arguments)
            code: int = options.command(options, draw)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return interrupted.code
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {' '.join(['python', *self.prog.split(), '--help'])}.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="main.py", description="Sixstep: the PyTorch workflow. Without a command, or with a file or a "
        "preset's name alone, the window opens.",
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    fit = commands.add_parser("fit", help="fit an experiment and write its files")
    _add_experiment(fit)
    fit.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the files go")
    fit.add_argument("--data", type=Path, metavar="PATH", help="take the rows of this table, or of this folder")
    fit.add_argument("--as", dest="kind", choices=KINDS, help="what --data is (default: found out)")
    fit.add_argument("--target", metavar="COLUMN", help="the column of --data to predict, A,B for several")
    fit.add_argument("--features", metavar="A,B", help="the columns to predict from (default: those that suit)")
    fit.add_argument("--epochs", type=int, help="how many epochs, instead of the experiment's")
    _add_trust(fit)
    fit.set_defaults(command=_fit)
    script = commands.add_parser("script", help="print the PyTorch script of an experiment")
    _add_experiment(script)
    script.set_defaults(command=_script)
    predict = commands.add_parser("predict", help="predict the rows of a table with a saved model")
    predict.add_argument("model", type=Path, metavar="MODEL.pt")
    predict.add_argument("data", type=Path, metavar="DATA.csv")
    predict.add_argument("--out", required=True, type=Path, metavar="FILE.csv")
    _add_trust(predict)
    predict.set_defaults(command=_predict)
    presets = commands.add_parser("presets", help="list the experiments that come with Sixstep")
    presets.set_defaults(command=_presets)
    inspect = commands.add_parser("inspect", help="say what a model, table or experiment is, or what is wrong")
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--json", action="store_true", help="as a JSON object")
    inspect.set_defaults(command=_inspect)
    return parser


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust-code", action="store_true", help="run the code that comes with it; read it first")


def _trust(options: argparse.Namespace, model: ex.Model) -> Trust:
    trust = Trust()
    if options.trust_code and isinstance(model, ex.OwnCode):
        trust.add(model.code)
    trust.check(model)
    return trust


def _add_experiment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", metavar="EXPERIMENT", help="a preset's name or a .toml file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="such as fit.optimizer.lr=0.05; repeatable"
    )


def _experiment(options: argparse.Namespace) -> ex.Experiment:
    experiment = find_experiment(options.experiment)
    if getattr(options, "data", None) is not None:
        experiment = with_data(experiment, _source(options))
    for assignment in options.set:
        experiment = set_value(experiment, assignment)
    return experiment


# ------------------------------------------------------------------------------------------------------ fit


def _fit(options: argparse.Namespace, draw: Draw) -> int:
    experiment = _experiment(options)
    if options.data is None and (options.target or options.features or options.kind):
        raise InputError("--target, --features and --as belong to --data: name the file as well.")
    if options.epochs is not None:
        experiment = set_value(experiment, f"fit.epochs={options.epochs}", f"--epochs {options.epochs}")
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is a file: name a folder.")
    trust = _trust(options, experiment.model)
    from engine import device
    from engine.data.guards import find_guards
    from engine.own_code.remote import open_session
    from engine.session import DivergedError

    session = open_session(experiment, device.pick(options.device), trust=trust)
    seen = [f"{guard.sentence}" for guard in find_guards(experiment, session.dataset)]
    for warning in (*session.dataset.warnings, *seen):
        print(f"Note: {warning}", file=sys.stderr)
    failure = None
    with _folder(options.out):
        try:
            _advance(session)
        except DivergedError as error:
            failure = error
        if failure is not None and session.epoch == 0:
            raise failure
        with waiting():
            files = _write_results(session, options.out, draw)
    _print_results(session, options.out, files)
    if failure is not None:
        raise failure
    return 0


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """A folder to write into, made before the fit, as it may not be allowed; where nothing came of it, it goes."""
    is_new = not path.exists()
    make_folder(path)
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):  # something is in it
                path.rmdir()
        raise


def _source(options: argparse.Namespace) -> ex.FileSource:
    """The data at --data, of the kind, the target and the features that are named beside it."""
    from engine.data.opening import source_at, with_columns
    from engine.data.tables import Tables

    features = options.features.split(",") if options.features else []
    if len(set(features)) < len(features) or "" in features:
        raise InputError(f"--features {options.features}: write each name once, with a comma between two.")
    source = source_at(options.data, Tables(), options.kind or "")
    return with_columns(source, options.target, features) if options.target or features else source


def _advance(session: Session) -> None:
    """Train to the end behind a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Fitting"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs, train loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("fit", total=session.experiment.fit.epochs, loss="–")
        while not session.done:
            session.advance(seconds=0.1)
            if session.epoch:  # an epoch over rows on disk may take longer than this
                progress.update(task, completed=session.epoch, loss=f"{session.history.column('train')[-1]:.6g}")


def _write_results(session: Session, folder: Path, draw: Draw) -> list[str]:
    """Write what the fit gave, each file as a whole. Returns the files' names."""
    from engine.model_file import save_model
    from engine.script import script

    code = script(session.experiment, session.device, session.dataset.reading, session.inputs, session.match)
    write_experiment(folder / "experiment.toml", session.experiment)
    atomic_write(folder / "history.csv", history_csv(session).encode())
    atomic_write(folder / "metrics.json", (json.dumps(metrics(session), indent=2) + "\n").encode())
    save_model(folder / "model.pt", session)
    atomic_write(folder / "script.py", code.encode())
    files = ["experiment.toml", "history.csv", "metrics.json", "model.pt", "script.py"]
    try:
        draw(session, folder / "fit.png")
    except ImportError as error:
        print(f"Note: fit.png is not drawn, since Qt cannot load here ({error}).", file=sys.stderr)
    else:
        files.append("fit.png")
    return files


def history_csv(session: Session) -> str:
    """The losses of every epoch, all digits: train before the update, the others after it."""
    splits = [name for name in ("train", "validation", "test") if name in session.history.splits]
    columns = [session.history.column(split).astype(float).tolist() for split in splits]
    lines = [",".join(["epoch", *(f"{split}_loss" for split in splits)])]
    lines += [f"{epoch},{','.join(map(repr, row))}" for epoch, row in enumerate(zip(*columns, strict=True))]
    return "\n".join(lines) + "\n"


def metrics(session: Session) -> dict[str, Any]:
    """The scores and how they came about; what is not a number is None."""
    import math

    import torch

    from engine.evaluate import score

    scores = score(session)
    figures: dict[str, float] = {f"{split}_loss": loss for split, loss in scores.losses.items()}
    figures |= {f"{split}_accuracy": share for split, share in scores.accuracies.items()}
    if not scores.accuracies:
        figures |= {f"test_{KEYS[name]}": value for name, value in scores.test.items()}
    return {
        **{name: value if math.isfinite(value) else None for name, value in figures.items()},
        "epochs": session.epoch,
        "seconds": session.seconds,
        "device": session.device,
        "threads": session.n_threads,
        "torch": torch.__version__,
    }


KEYS = {"MAE": "mae", "RMSE": "rmse", "R²": "r2"}
"""The scores' names as keys of metrics.json."""


def _print_results(session: Session, folder: Path, files: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    figures = metrics(session)
    table = Table(title="Result")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value))
    parameters = session.parameters()
    if sum(values.size for values in parameters.values()) <= 4:
        for name, values in parameters.items():
            table.add_row(name, ", ".join(f"{value:.6f}" for value in values.reshape(-1)))
    Console().print(table)
    if session.ended:
        print(f"Ended after {session.epoch:,} epochs: {session.ended}.")
    print(f"Written to {folder.absolute()}: {', '.join(files)}")


# ----------------------------------------------------------------------------- predict, script, presets


def _predict(options: argparse.Namespace, _draw: Draw) -> int:
    from engine.model_file import open_model
    from engine.predicting import predictions

    for path in (options.data, options.model):
        if options.out.exists() and path.exists() and options.out.samefile(path):
            raise InputError(f"--out {options.out} would overwrite {path.name}: give the predictions another name.")
    opened = open_model(options.model)
    if isinstance(opened.model, ex.OwnCode):
        from engine.own_code.remote import with_own_code

        opened = with_own_code(opened, _trust(options, opened.model))
    for warning in opened.warnings:
        print(f"Note: {warning}", file=sys.stderr)
    table = predictions(options.data, opened)
    atomic_write(options.out, table.write_csv().encode())
    print(f"{table.height:,} predictions written to {options.out}")
    return 0


def _script(options: argparse.Namespace, _draw: Draw) -> int:
    from engine.script import script

    experiment = _experiment(options)
    reading, inputs, match = None, None, None
    device = options.device
    if isinstance(experiment.data.source, ex.FileSource):
        from engine.data.dataset import load_dataset

        dataset = load_dataset(experiment.data)
        reading = dataset.reading
        inputs = dataset.preparation.inputs
    if device == "auto":
        from engine.device import pick

        device = pick(device)
    if isinstance(experiment.model, ex.Sequential) and experiment.model.weights:
        from engine.session import Session

        match = Session(experiment, device).match
    print(script(experiment, device, reading, inputs, match), end="")
    return 0


def _presets(_options: argparse.Namespace, _draw: Draw) -> int:
    from engine.runs import summary

    for name in preset_names():
        experiment = find_experiment(name)
        print(f"{name:24}{summary(experiment)}, {experiment.fit.epochs:,} epochs")
    return 0


# -------------------------------------------------------------------------------------------------- inspect


def _inspect(options: argparse.Namespace, _draw: Draw) -> int:
    from engine.inspection import in_words, inspect

    report = inspect(options.file)
    is_refused = report["status"] == "refused"
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(in_words(report)))
        for message in report["messages"] if is_refused else ():
            print(message, file=sys.stderr)
    return 2 if is_refused else 0
