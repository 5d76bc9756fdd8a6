"""Columns over time, and Parquet beyond memory: a target, features, and the fields."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot

from engine import experiment as ex
from gui.form import Form
from gui.frames import ColumnOffer
from gui.steps.data.column_list import ColumnList
from gui.steps.data.source_form import SourceForm
from gui.steps.data.uses import Role, Use, changed, sentence, targets_and_features, unused

Windows = ex.Sequences | ex.ParquetStream


class WindowsForm(SourceForm):
    """A source with one target of numbers and features of numbers."""

    def __init__(self, kind: type[Windows], place: str) -> None:
        super().__init__(Form(kind, skip=("path", "target", "features")), place)
        self._part: Windows | None = None
        self._offers: tuple[ColumnOffer, ...] = ()
        # What is predicted may be known up to now: in windows over time a target can be a feature as well.
        both: tuple[Role, ...] = ("both",) if kind is ex.Sequences else ()
        self.columns = ColumnList(("feature", "target", *both, "unused"), roles_only=True)
        self.rows.addWidget(self.columns)

        self.columns.wanted.connect(self._change)

    def show_source(self, source: ex.Source, scaling: ex.Scaling) -> None:
        """Show a source of this form's kind."""
        assert isinstance(source, Windows)
        if self._part is None or source.path != self._part.path:
            self._offers = ()
        super().show_source(source, scaling)
        self._part = source
        names = dict.fromkeys((*source.features, source.target))
        offers = self._offers or tuple(ColumnOffer(name, "number", 0, 0) for name in names)
        self.columns.show_columns(offers, self._uses(offers))

    def offer(self, columns: tuple[ColumnOffer, ...], _found_format: str) -> None:
        """The columns that the file has."""
        self._offers = columns
        if self._part is not None:
            self.show_source(self._part, ex.Scaling())

    def _uses(self, offers: tuple[ColumnOffer, ...]) -> dict[str, Use]:
        assert self._part is not None
        roles: dict[str, Role] = dict.fromkeys(self._part.features, "feature")
        roles[self._part.target] = "both" if self._part.target in roles else "target"
        return {
            offer.name: Use(roles[offer.name], offer.type, ex.Column(name=offer.name)) if offer.name in roles
            else unused(offer, None)
            for offer in offers
        }  # fmt: skip

    @Slot(list, str, object)
    def _change(self, names: list[str], field: str, value: Any) -> None:
        assert self._part is not None
        try:
            uses = changed(self._uses(self.columns.model.offers), names, field, value)
            targets, features = targets_and_features(uses)
            if len(targets) > 1:
                raise ValueError("one column is predicted here: choose one as the target")
        except ValueError as error:
            self.refused.emit(sentence(error))
            self.show_source(self._part, ex.Scaling())
        else:
            self.chosen.emit(ex.replace(self._part, target=targets[0], features=features))
