"""Step 3, on new data: the rows of a file become X as the training rows did, and a saved model answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from engine import experiment as ex
from engine.data.preparation import answers
from engine.data.rows import Learned
from engine.data.scaling import scale_new
from engine.data.table.reading import column
from engine.data.table.rows import features_of
from engine.data.tables import OpenTable, Tables
from engine.errors import InputError
from engine.model_file import OpenedModel


def predictions(path: Path, opened: OpenedModel) -> pl.DataFrame:
    """The rows of the file at `path`, as far as the model looks at them, and what it predicts for each.

    Raises InputError for a file without the columns that the model takes, or with a missing value that nothing fills.
    """
    source = None if opened.experiment is None else opened.experiment.data.source
    if isinstance(source, ex.Images) or len(opened.inputs.shape) == 3:
        raise InputError(f"{opened.path.name} is a model of pictures: open it in the window, with a folder of classes.")
    wanted = source.format if isinstance(source, ex.Table | ex.Text | ex.Sequences) else ex.TableFormat()
    if isinstance(source, ex.Table) and Path(source.path).suffix.lower() != path.suffix.lower():
        wanted = ex.TableFormat()  # what was said of the training file need not be true of another kind
    table = Tables().open(path, wanted)
    learned = opened.preparation.learned
    match source:
        case ex.Text():
            shown, X = _texts(table, source, learned)
        case ex.Sequences():
            shown, X = _windows(table, source)
        case _:
            shown, X = _rows(table, source, opened)
    if X.dtype == np.float32 and opened.preparation.X_moves:
        scale_new(X, opened.preparation.X_moves)
    with torch.inference_mode():
        y_pred = opened.module(torch.from_numpy(X)).numpy()
    loss = None if opened.experiment is None else opened.experiment.fit.loss
    return shown.with_columns(_answers(answers(y_pred, opened.preparation, loss), opened))


def _rows(table: OpenTable, source: ex.Source | None, opened: OpenedModel) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    if not isinstance(source, ex.Table):
        names = opened.preparation.learned.features or _columns(table, opened.inputs.size)
        rest = "-" + "".join(names)  # the target is not looked at
        source = ex.Table(path=str(table.path), target=rest, features=names)
        learned = Learned(features=names)
    else:
        learned = opened.preparation.learned
    X = features_of(table, source, learned)
    return pl.DataFrame([column(table.lazy, name) for name in source.features]), np.array(X, dtype=np.float32)


def _columns(table: OpenTable, n_features: int) -> tuple[str, ...]:
    """The columns for a model that does not name its own: X, or all the number columns if they are as many."""
    columns = tuple(each.name for each in table.parsed.columns if each.type == "number")
    if n_features == 1 and "X" in columns:
        return ("X",)
    if len(columns) != n_features:
        raise InputError(
            f"{table.path.name} has {len(columns)} columns of numbers ({', '.join(columns[:8])}), the model takes "
            f"{n_features}: leave just those in the table, in the model's order."
        )
    return columns


def _texts(table: OpenTable, source: ex.Text, learned: Learned) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    from engine.data.text_backbone import check_same
    from engine.data.text_backbone import encode as encode_for_backbone
    from engine.data.text_tokens import encode

    name = source.text or "text"
    if name not in table.names:
        raise InputError(f"{table.path.name} has no column {name!r}, where the model's texts are: name it so.")
    texts = column(table.lazy, name).cast(pl.String).fill_null("")
    if source.tokens != "backbone":
        return pl.DataFrame([texts]), encode(texts, learned.vocabulary, source).numpy()
    X, now = encode_for_backbone(texts, source)
    check_same(now, learned, source.tokenizer)
    return pl.DataFrame([texts]), X


def _windows(table: OpenTable, source: ex.Sequences) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    plain = ex.Table(path=str(table.path), target="-" + "".join(source.features), features=source.features)
    values = features_of(table, plain, Learned(features=source.features))
    if len(values) < source.length:
        raise InputError(f"{table.path.name} has {len(values):,} rows, a window takes {source.length:,}: add rows.")
    windows = np.lib.stride_tricks.sliding_window_view(values, source.length, axis=0)[:: source.stride]
    X = np.ascontiguousarray(windows.transpose(0, 2, 1), dtype=np.float32)
    last = np.arange(len(X)) * source.stride + source.length
    return pl.DataFrame({"rows up to": last, "row predicted": last + source.horizon}), X


def _answers(y: np.ndarray[Any, Any], opened: OpenedModel) -> list[pl.Series]:
    preparation = opened.preparation
    names = [f"predicted_{target}" for target in preparation.targets]
    if preparation.classes:
        return [pl.Series(names[0], preparation.classes, dtype=pl.String).gather(y)]
    return [pl.Series(name, y[:, place]) for place, name in enumerate(names)]
