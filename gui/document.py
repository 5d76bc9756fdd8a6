"""What the window is working on: the current experiment, how to undo, where it is saved."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from engine import experiment as ex
from engine.errors import InputError
from engine.files import convert

MERGE_SECONDS = 1.0


class Edit(QUndoCommand):
    """One change of the experiment: the old value and the new one. What a held arrow key does is one change."""

    def __init__(self, document: Document, key: str, new: ex.Experiment) -> None:
        super().__init__(f"change of {key}" if key else "change of the experiment")
        self._time = time.monotonic()
        self._document, self._key = document, key
        self._old, self._new = document.experiment, new

    def undo(self) -> None:
        self._document._show(self._old)

    def redo(self) -> None:
        self._document._show(self._new)

    def id(self) -> int:
        return 1 if self._key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._key != self._key or other._time - self._time > MERGE_SECONDS:
            return False
        self._new, self._time = other._new, other._time
        if self._new == self._old:
            self.setObsolete(True)
        return True


class Document(QObject):
    """The current experiment. Everybody may read it; it changes here alone and then says so."""

    experiment_changed = Signal(object)  # Experiment
    title_changed = Signal()
    opened = Signal()  # another document has taken the place of the one before

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.experiment = ex.Experiment()
        self.path: Path | None = None
        self.undo_stack = QUndoStack(self)
        self.undo_stack.cleanChanged.connect(self.title_changed)
        self._model_unsaved = False

    @property
    def unsaved(self) -> bool:
        """Whether closing now would lose something: a change, or a model trained since it was saved."""
        return self._model_unsaved or not self.undo_stack.isClean()

    @property
    def title(self) -> str:
        """The file's name, with a * when something is unsaved."""
        return self.name + ("*" if self.unsaved else "")

    def edit(self, part: str, **values: Any) -> None:
        """Replace fields of a part: edit("fit.optimizer", lr=0.05). Raises InputError when a value does not fit."""
        tree = [self.experiment]
        names = part.split(".")
        for name in names:
            tree.append(getattr(tree[-1], name))
        try:
            new: Any = ex.replace(tree[-1], **values)
        except ValueError as error:
            raise InputError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
        for owner, name in zip(reversed(tree[:-1]), reversed(names), strict=True):
            new = ex.replace(owner, **{name: new})
        self.replace(new, f"{part}.{', '.join(values)}")

    def replace(self, experiment: ex.Experiment, key: str = "") -> None:
        """Make another experiment the current one, undoably. Raises InputError when a value is out of range."""
        experiment = convert(msgspec.to_builtins(experiment), "This setting")
        if experiment != self.experiment:
            self.undo_stack.push(Edit(self, key, experiment))

    @property
    def name(self) -> str:
        """What the document is called."""
        return self.path.name if self.path else "Untitled"

    def open(self, experiment: ex.Experiment, path: Path | None) -> None:
        """Begin with an experiment from a file (or a new one): nothing to undo, nothing unsaved."""
        self.path = path
        self.undo_stack.clear()
        self._model_unsaved = False
        self._show(experiment)
        self.title_changed.emit()
        self.opened.emit()

    @property
    def model_unsaved(self) -> bool:
        """Whether there is a trained model that no file has."""
        return self._model_unsaved

    def model_trained(self) -> None:
        """Note that there is a model which no file has yet."""
        if not self._model_unsaved:
            self._model_unsaved = True
            self.title_changed.emit()

    def model_discarded(self) -> None:
        """Note that the trained model is gone, so that there is none to save."""
        self._model_unsaved = False
        self.title_changed.emit()

    def saved(self, path: Path, with_model: bool) -> None:
        """Note that the experiment is in the file at `path`, and whether the model is too."""
        self.path = path
        self._model_unsaved = self._model_unsaved and not with_model
        self.undo_stack.setClean()
        self.title_changed.emit()

    def _show(self, experiment: ex.Experiment) -> None:
        self.experiment = experiment
        self.experiment_changed.emit(experiment)
