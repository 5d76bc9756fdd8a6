"""The panel of step 2."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.data.suits import takes_backbone
from engine.errors import InputError
from engine.experiment.part import part_types
from engine.exported.program import NO_PROGRAM
from engine.models.ending import find_wrong_end
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.stacks import as_sequential, is_listed
from engine.pretrained.hub_folder import NO_FOLDER
from engine.pretrained.hub_tokenizer import NO_TOKENIZER
from gui.document import Document
from gui.form import ChoiceForm
from gui.frames import Prepared, Sizes
from gui.model_flow import ModelFlow
from gui.model_view.view import NO_LAYERS
from gui.steps.model.backbone import BackboneCard
from gui.steps.model.exported import ExportedCard
from gui.steps.model.layer_list import LayerList
from gui.steps.model.training import TrainingForms
from gui.steps.panel import StepPanel
from gui.theme import Theme
from gui.widgets import heading, named, note

NO_BACKBONES = "It takes pictures or texts: choose some in step 1."
NOT_BUILT = "Not built yet."


class ModelPanel(StepPanel):
    """Step 2: the model with its layers, then the loss, the optimizer and what goes with them."""

    flow_changed = Signal(object)  # ModelFlow, or None for a model whose layers are not known
    shapes_wanted = Signal()  # the person wants to see the whole model in the middle of the window

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._sizes: Sizes | None = None
        self._shapes_shown = False
        self.flow: ModelFlow | None = None
        """What flows through the model; None for one whose layers are not known."""
        skip = ("layers", "weights", "frozen", "fresh", "code", "folder", "pooling", "path", "head")
        self.model = ChoiceForm("Model", part_types(ex.Model), titled=False, skip=skip)
        self.layers = LayerList()
        self.backbone, self.exported = BackboneCard(document), ExportedCard(document)
        self._code_place = QVBoxLayout()
        self.weights_place = QVBoxLayout()
        """Where the weights that a model begins with are chosen."""
        self.shapes_button = named(QPushButton("Show shapes"), "show shapes", "Show shapes")
        policy = self.shapes_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the title's row stays as high
        self.shapes_button.setSizePolicy(policy)
        self.shapes_button.setToolTip("The whole model in the middle of the window, layer by layer (Ctrl+M)")
        self.training = TrainingForms(document)
        self.loss, self.optimizer = self.training.loss, self.training.optimizer
        self._built_title = heading("Built")
        self._built = note()
        self._prepared: Prepared | None = None
        self._lay_out()

        self.model.chosen.connect(self._model_chosen)
        self.model.edited.connect(self._model_edited)
        self.layers.wanted.connect(self._layers_wanted)
        self.shapes_button.clicked.connect(self.shapes_wanted)
        for card in (self.backbone, self.exported):
            card.form.edited.connect(self._model_edited)
        for form in (self.model, self.layers, self.backbone.form, self.exported.form, self.training):
            form.refused.connect(self.refused)
        self.show_experiment(document.experiment)

    def _lay_out(self) -> None:
        title = heading("&Model")
        title.setBuddy(self.model)
        top = QHBoxLayout()
        top.addWidget(title)
        top.addStretch()
        top.addWidget(self.shapes_button)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(14, 8, 14, 14)
        rows.setSpacing(8)
        rows.addLayout(top)
        rows.addWidget(self.model)
        rows.addWidget(self.backbone)
        rows.addWidget(self.exported)
        rows.addLayout(self._code_place)
        rows.addWidget(self.layers)
        rows.addLayout(self.weights_place)
        for widget in (self._built_title, self._built, self.training):
            rows.addWidget(widget)
        rows.addStretch()
        self._area = QScrollArea(widgetResizable=True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(content)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(0)
        self.rows.addWidget(self._area)
        foot = self.training.end  # here it moves nothing of what is being read, and is always in sight
        foot.setContentsMargins(14, 6, 14, 8)
        self.rows.addWidget(foot)

    @property
    def instead_of_layers(self) -> str:
        """What the view of the whole model says where the layers are not known."""
        match self.document.experiment.model:
            case ex.Backbone():
                return self.backbone.summary.text()
            case ex.Exported():
                return self.exported.summary.text()
            case _:
                return NO_LAYERS

    def place_own_code(self, card: QWidget) -> None:
        """Take in what is shown of own code."""
        self._code_place.addWidget(card)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.layers.view.set_room(self.height())

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.layers.apply_theme(theme)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        self.model.forbid({} if takes_backbone(experiment.data.source) else {ex.Backbone: NO_BACKBONES})
        self.model.show_part(experiment.model)
        if isinstance(experiment.model, ex.Layers):
            is_text = isinstance(experiment.data.source, ex.Text)
            self.model.form_of(ex.Layers).set_row_visible("embedding", is_text)
        self.layers.setVisible(isinstance(experiment.model, ex.Sequential))
        says_more = isinstance(experiment.model, ex.Sequential | ex.Backbone | ex.Exported)  # the list, or the card
        for widget in (self._built_title, self._built):
            widget.setVisible(not says_more)
        self._show_button()
        self._show_built()
        self._show_flow()

    def show_prepared(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._show_built()
        self.backbone.show_prepared(prepared)
        self.exported.show_prepared(prepared)
        self.training.show_prepared(prepared)
        experiment, n_rows = prepared.experiment, prepared.points["train"].n_rows
        self.show_sizes(Sizes(experiment.data, prepared.inputs, prepared.n_outputs, n_rows))

    @Slot(object)
    def show_sizes(self, sizes: Sizes) -> None:
        """Take note of what a model takes and gives for the data."""
        self._sizes = sizes
        self._show_flow()

    @property
    def knows_data(self) -> bool:
        """Whether the document's data was read."""
        return self._sizes is not None and self._sizes.data == self.document.experiment.data

    @Slot(bool)
    def shapes_shown(self, shown: bool) -> None:
        """Say what the button does now."""
        self.shapes_button.setText("Hide shapes" if shown else "Show shapes")
        self._shapes_shown = shown
        self._show_button()

    def _show_button(self) -> None:
        """Only where there are shapes to show, or where the view of them is to be closed."""
        self.shapes_button.setVisible(is_listed(self.document.experiment.model) or self._shapes_shown)

    def _show_built(self) -> None:
        """What was built, as long as it is the document's model."""
        prepared, wanted = self._prepared, _built_from(self.document.experiment)
        if prepared is not None and _built_from(prepared.experiment) == wanted:
            count = f"{prepared.n_parameters:,} parameters on {prepared.device}"
            self._built.setMinimumHeight(0)
            self._built.setText("\n".join([*prepared.layers, count]))
        elif self._built.text() != NOT_BUILT:
            if self._built.isVisible():
                self._built.setMinimumHeight(self._built.height())  # what is below stays until the answer comes
            self._built.setText(NOT_BUILT)

    def _show_flow(self) -> None:
        self.flow = self._flow()
        if self.flow is not None and self.flow.is_list:
            self.layers.show_model(self.flow)
        self.flow_changed.emit(self.flow)

    def _flow(self) -> ModelFlow | None:
        """What flows through the model, as far as the sizes of this data are known; None for one of its own code."""
        experiment = self.document.experiment
        model, title = experiment.model, type(experiment.model).__name__
        if not is_listed(model):
            return None
        is_list = isinstance(model, ex.Sequential)
        sizes = self._sizes
        if sizes is None or sizes.data != experiment.data:
            return ModelFlow(title, as_sequential(model, Inputs((1,))), is_list=is_list)
        layers, batch = as_sequential(model, sizes.inputs), experiment.fit.batches.size
        source = experiment.data.source
        if isinstance(source, ex.ParquetStream):
            batch = source.batch_size
        n_rows = min(batch, sizes.n_rows) if batch else sizes.n_rows
        walked = flow(layers, sizes.inputs, sizes.n_outputs)
        return ModelFlow(title, layers, walked, sizes.inputs, sizes.n_outputs, n_rows, is_list)

    @Slot(object)
    def _model_chosen(self, model: ex.Model) -> None:
        """A list of layers begins with the layers of the model that was there."""
        experiment = self.document.experiment
        if isinstance(model, ex.Sequential):
            is_known = self._sizes is not None and self._sizes.data == experiment.data
            model = as_sequential(experiment.model, self._sizes.inputs if self._sizes and is_known else Inputs((1,)))
        self.document.replace(ex.replace(experiment, model=model), "model")

    @Slot(str, object)
    def _model_edited(self, name: str, value: object) -> None:
        others: dict[str, object] = {}
        if isinstance(self.document.experiment.model, ex.Exported):  # frozen with its own head, nothing could learn
            if name == "frozen" and value:
                others = {"head": "new"}
            elif name == "head" and value == "keep":
                others = {"frozen": False}
        self.edit("model", **{name: value}, **others)

    @property
    def misfit(self) -> str:
        """Why there is nothing to fit, as far as it stands in this panel; empty where it does not."""
        experiment = self.document.experiment
        if self.flow is not None and self.flow.misfit:
            return self.flow.misfit
        if isinstance(experiment.model, ex.Exported) and not experiment.model.path:
            return NO_PROGRAM
        if isinstance(experiment.model, ex.Backbone) and self.backbone.misfit:
            return self.backbone.misfit
        wrong = find_wrong_end(experiment)
        return wrong.sentence if wrong else ""

    def says(self, sentence: str) -> bool:
        """Whether this stands in the panel already: what the list says of a layer, the note at the foot of the
        model's end, or what is yet to be chosen of a backbone; that its tokenizer is, stands in step 1."""
        # Also where it has been mended by the time that this comes.
        if sentence in (NO_FOLDER, NO_TOKENIZER, NO_PROGRAM, self.backbone.last_misfit):
            return True
        return bool(self.misfit) and self.misfit in sentence

    def point_at_misfit(self) -> None:
        """Bring what does not fit into sight; the keyboard goes to what mends it."""
        QTimer.singleShot(0, self, self._point)  # after the layout: the panel may not have been in sight

    @Slot()
    def _point(self) -> None:
        model = self.document.experiment.model
        if isinstance(model, ex.Backbone):
            self.backbone.point()
            self._area.ensureWidgetVisible(self.backbone)
            return
        if isinstance(model, ex.Exported):
            self.exported.browse.setFocus()
            self._area.ensureWidgetVisible(self.exported)
            return
        note = (self.layers.note() if isinstance(model, ex.Sequential) else None) or self.training.end
        note.take_focus()
        self._area.ensureWidgetVisible(note)

    @Slot(object)
    def mend(self, model: ex.Sequential) -> None:
        """Take a mended model."""
        self._layers_wanted(model, "")

    @Slot(object, str)
    def _layers_wanted(self, model: ex.Sequential, key: str) -> None:
        try:
            self.document.replace(ex.replace(self.document.experiment, model=model), key)
        except InputError as error:
            self.refused.emit(str(error))
            self.show_experiment(self.document.experiment)


def _built_from(experiment: ex.Experiment) -> tuple[ex.Model, ex.Data, ex.Loss]:
    """What a model's layers and sizes follow from."""
    return experiment.model, experiment.data, experiment.fit.loss
