"""What the window shows of a session at epoch 0. Used inside the training thread alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.guards import find_guards
from engine.data.tables import OpenTable, Tables
from engine.own_code.orders import layer_lines
from engine.own_code.remote import RemoteSession
from engine.session import Session
from gui import previews
from gui.frames import ColumnOffer, Prepared


def describe(
    session: Session, number: int, table: OpenTable | None, tables: Tables, lrs: NDArray[np.float64] | None
) -> Prepared:
    """The session with its number; `table` is where its rows come from, `lrs` the rates that are known beforehand."""
    data, preparation = session.dataset, session.preparation
    return Prepared(
        session=number,
        experiment=session.experiment,
        device=session.device,
        points={split: previews.points(session, split) for split in data.splits},
        features=data.features,
        target=data.targets[0],
        shapes=previews.shapes(session),
        n_parameters=_n_parameters(session),
        layers=_layers(session),
        reading=data.reading,
        columns=() if table is None else _offers(table),
        warnings=data.warnings if table is None else tuple(dict.fromkeys((*data.warnings, *table.warnings))),
        found_format="" if table is None else table.found(),
        guards=find_guards(session.experiment, data),
        inputs=session.inputs,
        match=session.match,
        n_outputs=session.n_outputs,
        task="classification" if preparation.classes else "regression",
        classes=preparation.classes,
        drawn=previews.drawn_rows(session),
        lrs=lrs,
        images=previews.image_preview(session),
        series=previews.series_preview(session, tables),
        texts=previews.text_preview(session),
    )


def _n_parameters(session: Session) -> int:
    if isinstance(session, RemoteSession):
        return session.report.n_parameters
    return sum(parameter.numel() for parameter in session.model.parameters())


def _layers(session: Session) -> tuple[str, ...]:
    if isinstance(session, RemoteSession):
        return layer_lines(session.report)
    if isinstance(session.experiment.model, ex.Backbone):
        from engine.pretrained.hub import backbone_words

        return backbone_words(session.model)
    if isinstance(session.experiment.model, ex.Exported):
        from engine.exported.building import exported_words

        return exported_words(session.experiment.model, session.model)
    return tuple(str(layer) for layer in session.model.children())


def _offers(table: OpenTable) -> tuple[ColumnOffer, ...]:
    return tuple(
        ColumnOffer(column.name, column.type, column.missing, column.distinct or 0) for column in table.parsed.columns
    )
