"""The layers of a Sequential: add, take away, move, change, freeze; what flows through them beside each."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.models import layer_list as edit
from engine.models.flow import LayerFlow, flow
from engine.models.layer_list import Path
from gui.layer_words import layer_words, shape_words
from gui.misfit import MisfitNote
from gui.model_flow import ModelFlow
from gui.steps.model.layer_form import LayerForm
from gui.steps.model.layer_view import LayerView
from gui.steps.model.layers_model import LayersModel
from gui.steps.model.picker import Kind, LayerPicker
from gui.steps.model.start import StartButton
from gui.theme import LIGHT, Theme, icon
from gui.widgets import ElidedLabel, heading, named

FIRST_SIZE = 16
"""Outputs of a new Linear that is not the last."""


class LayerList(QWidget):
    """Shows a Sequential; says which one is wanted instead. What is selected stays so through all changes."""

    wanted = Signal(object, str)  # the ex.Sequential, and the key under which edits are one (empty: its own)
    selected = Signal(tuple)  # the path of the layer that the person selected
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._model = ex.Sequential()
        self._shown = ModelFlow("", self._model)
        self._next: Path | None = None
        self.layers = LayersModel()
        self.view = named(LayerView(self.layers), "layers", "Layers of the model")
        self.input = named(ElidedLabel(), "muted", "What comes in and goes out")
        self.end = MisfitNote()
        self.form = LayerForm()
        self.picker = LayerPicker(self)
        self.start = StartButton()
        self._make_actions()
        self._lay_out()

        self.view.selected.connect(self._selected)
        self.view.mended.connect(self._mended)
        self.end.mended.connect(self._mended)
        self.view.dropped.connect(self._move_to)
        self.picker.chosen.connect(self.add)
        self.start.chosen.connect(self._start_from)
        self.form.edited.connect(self._edited)
        self.form.refused.connect(self.refused)
        self.apply_theme(LIGHT)

    # ---------------------------------------------------------------------------------------- build and place

    def _make_actions(self) -> None:
        rows = (
            ("up", "Move up", "Alt+Up", self.move_up), ("down", "Move down", "Alt+Down", self.move_down),
            ("duplicate", "Duplicate", "Ctrl+D", self.duplicate), ("remove", "Remove", "Del", self.remove),
            ("freeze", "Freeze up to here", "", self.freeze), ("unfreeze", "Unfreeze all", "", self.unfreeze),
        )  # fmt: skip
        self.actions_: dict[str, QAction] = {}
        for name, text, shortcut, slot in rows:
            action = QAction(text, self.view)
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.setToolTip(f"{text} ({shortcut})" if shortcut else text)
            action.triggered.connect(slot)
            self.view.addAction(action)  # its context menu too
            self.actions_[name] = action
        self.actions_["freeze"].setToolTip("Freeze up to here: this layer and those above keep their weights")
        insert = QAction("Add a layer", self.view)
        insert.setShortcut(QKeySequence("Ins"))
        insert.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        insert.triggered.connect(self.pick)
        self.view.addAction(insert)

    def _lay_out(self) -> None:
        self.add_button = named(QPushButton("Add layer"), "add layer", "Add a layer")
        self.add_button.setToolTip("Add a layer below the selected one (Ins)")
        self.add_button.clicked.connect(self.pick)
        title = heading("&Layers")
        title.setBuddy(self.view)
        top = QHBoxLayout()
        top.addWidget(title)
        top.addWidget(self.input, 1)
        top.addWidget(self.start)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        buttons.addWidget(self.add_button)
        buttons.addSpacing(8)
        self._buttons = {name: self._button(name) for name in ("up", "down", "duplicate", "remove", "freeze")}
        for button in self._buttons.values():
            buttons.addWidget(button)
        buttons.addStretch()  # at the right, a scroll bar that comes would move them
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(buttons)  # above the list: the pointer rests on a button while layers come and go
        layout.addWidget(self.view)
        layout.addWidget(self.end)
        layout.addWidget(self.form)

    def _button(self, name: str) -> QToolButton:
        action = self.actions_[name]
        button = named(QToolButton(autoRaise=True), name, action.text())
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setIconSize(QSize(15, 15))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.view.apply_theme(theme)
        self.picker.apply_theme(theme)
        for name in self._buttons:
            self.actions_[name].setIcon(icon(name, theme))
        self.add_button.setIcon(icon("add", theme))

    # -------------------------------------------------------------------------------------------- what is shown

    def show_model(self, shown: ModelFlow) -> None:
        """Show these layers and what flows through them."""
        path, before, model = self.view.path, self._model.layers, shown.model
        misfit_before = self._misfit
        self._shown, self._model = shown, model
        self.start.inputs = shown.inputs
        if self._next is not None and edit.has(model.layers, self._next):
            path = self._next
        elif path:
            path = edit.follow(path, before, model.layers) or ()
        self._next = None
        if self.layers.show(model, shown.flow):
            self.view.show_tree()
        else:
            self.view.show_mends()
        if not path and model.layers:
            path = (0,)
        self.view.select(path)
        if self._misfit not in ((), misfit_before):
            self.view.scrollTo(self.layers.index_of(self._misfit))
        self._show_ends()
        self._show_selected()

    @property
    def _misfit(self) -> Path:
        """The path of the innermost layer that does not fit; () where all do."""
        layers = self._shown.flow.layers if self._shown.flow else ()
        return next((layer.path for layer in reversed(layers) if layer.misfit), ())

    def note(self) -> MisfitNote | None:
        """What says why the layers cannot be trained, scrolled to within the list; None where nothing does."""
        self.view.scrollTo(self.layers.index_of(self._misfit))
        return next((note for note in (*self.view.notes(), self.end) if note.sentence.text()), None)

    @property
    def path(self) -> Path:
        """The path of the selected layer; () without one."""
        return self.view.path

    def select(self, path: Path) -> None:
        """Select a layer that was chosen elsewhere."""
        if path != self.path and edit.has(self._model.layers, path):
            self.view.select(path)
            self._show_selected()

    def _show_ends(self) -> None:
        """What comes in, above the list; what is wrong with what comes out, below it."""
        shown, walked = self._shown, self._shown.flow
        if walked is None:
            self.input.setText("")
            self.end.show_misfit("", ())
            return
        what, shape = " tokens" if shown.inputs.n_tokens else "", shape_words(shown.inputs.shape)
        outputs = "1 number" if shown.n_outputs == 1 else f"{shown.n_outputs:,} numbers"
        self.input.setText(f"{shape}{what} → {shown.n_outputs:,}")
        self.input.setToolTip(f"From {shape}{what or ' numbers'}, a row of X, to {outputs}, as the task takes")
        is_at_end = not any(layer.misfit for layer in walked.layers)
        self.end.show_misfit(walked.misfit if is_at_end else "", walked.mends)

    def _show_selected(self) -> None:
        path, layers = self.path, self._model.layers
        is_one = bool(path)
        for name in ("duplicate", "remove", "freeze"):
            self.actions_[name].setEnabled(is_one)
        self.actions_["up"].setEnabled(is_one and edit.above(layers, path) is not None)
        self.actions_["down"].setEnabled(is_one and edit.below(layers, path) is not None)
        self.actions_["unfreeze"].setEnabled(self._model.frozen > 0)
        has_filling = self._shown.flow is not None and self._shown.inputs.n_tokens > 0
        self.form.show_layer(edit.layer_at(layers, path) if is_one else None, has_filling)

    @Slot(tuple)
    def _selected(self, path: Path) -> None:
        self._show_selected()
        self.selected.emit(path)

    # ---------------------------------------------------------------------------------------------- the changes

    def _want(self, model: ex.Sequential, path: Path | None = None, key: str = "") -> None:
        """Ask for another model; select what is at `path` in it. A button that is gone or grey thereafter leaves the
        keyboard to the list."""
        used = self.window().focusWidget()
        self._next = path
        self.wanted.emit(model, key)
        self._next = None
        if isinstance(used, QAbstractButton) and self.window().focusWidget() is not used:
            self.view.setFocus()

    def place_for_new(self) -> tuple[Path, str]:
        """Where a new layer comes, and that in words: into an empty block, else below what is selected, but never
        below the Linear whose size follows from the task."""
        layers, path = self._model.layers, self.path
        if layers and layers[-1] == ex.layers.Linear() and (not path or path == (len(layers) - 1,)):
            return (len(layers) - 1,), "Comes before the last Linear, which gives what the task takes"
        if not path:
            return (len(layers),), "Comes at the end"
        layer = edit.layer_at(layers, path)
        if isinstance(layer, ex.layers.Residual) and not layer.layers:
            return (*path, 0), "Comes inside the Residual"
        return (*path[:-1], path[-1] + 1), f"Comes after {layer_words(layer)}"

    @Slot()
    def pick(self) -> None:
        """Let the person choose a layer to add."""
        place, where = self.place_for_new()

        def flow_of(kind: Kind) -> LayerFlow | None:
            if self._shown.flow is None:
                return None
            model = edit.inserted(self._model, place, self._new(kind, place))
            walked = flow(model, self._shown.inputs, self._shown.n_outputs)
            return next((layer for layer in walked.layers if layer.path == place), None)

        def misfit_of(kind: Kind) -> str:
            layer = flow_of(kind)
            return layer.misfit if layer else ""

        comes = flow_of(ex.layers.Identity)
        corner = self.add_button.mapToGlobal(QPoint())
        self.picker.open(QRect(corner, self.add_button.size()), where, misfit_of, len(comes.in_shape) if comes else 1)

    def _new(self, kind: Kind, place: Path) -> ex.Layer:
        """A new layer; a Linear that is not the last has a size of its own."""
        is_last = place == (len(self._model.layers),)
        return ex.layers.Linear(out_features=FIRST_SIZE) if kind is ex.layers.Linear and not is_last else kind()

    @Slot(object)
    def add(self, kind: Kind) -> None:
        """Add a layer of this kind."""
        place, _ = self.place_for_new()
        self._want(edit.added(self._model, place, self._new(kind, place)), place)
        self.view.setFocus()

    @Slot()
    def remove(self) -> None:
        """Take the selected layer away; the one that comes in its place is selected."""
        path = self.path
        model = edit.removed(self._model, path)
        around = edit.inside(model.layers, path[:-1])
        place = min(path[-1], len(around) - 1)
        self._want(model, (*path[:-1], place) if around else path[:-1])

    @Slot()
    def duplicate(self) -> None:
        """The selected layer once more, below itself."""
        path = (*self.path[:-1], self.path[-1] + 1)
        self._want(edit.added(self._model, path, edit.layer_at(self._model.layers, self.path)), path)

    @Slot()
    def move_up(self) -> None:
        """One place up; into a block that is there, or out of its own."""
        self._move_to(self.path, edit.above(self._model.layers, self.path))

    @Slot()
    def move_down(self) -> None:
        """One place down; into a block that is there, or out of its own."""
        self._move_to(self.path, edit.below(self._model.layers, self.path))

    @Slot(tuple, tuple)
    def _move_to(self, path: Path, to: Path | None) -> None:
        if to is not None:
            self._want(*edit.moved(self._model, path, to))

    @Slot()
    def freeze(self) -> None:
        """The layers down to the selected one keep their weights; once more, and they learn again."""
        frozen = self.path[0] + 1
        self._want(ex.replace(self._model, frozen=0 if self._model.frozen == frozen else frozen), self.path)

    @Slot()
    def unfreeze(self) -> None:
        """All layers learn."""
        self._want(ex.replace(self._model, frozen=0), self.path)

    @Slot(object)
    def _mended(self, model: ex.Sequential) -> None:
        self._want(model)

    @Slot(object)
    def _start_from(self, model: ex.Sequential) -> None:
        self._want(model, (0,))

    @Slot(str, object)
    def _edited(self, name: str, value: object) -> None:
        path = self.path
        try:
            layer = ex.replace(edit.layer_at(self._model.layers, path), **{name: value})
        except ValueError as error:
            sentence = f"{str(error)[0].upper()}{str(error)[1:]}."
            self.form.refuse(name, sentence)
            self.refused.emit(sentence)
            return
        key = f"model.layers.{'.'.join(str(place) for place in path)}.{name}"
        self._want(edit.replaced(self._model, path, layer), path, key)
