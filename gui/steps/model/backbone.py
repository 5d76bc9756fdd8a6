"""Step 2: a backbone of the Hugging Face hub: which folder, what of it learns."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.files import with_source
from engine.pretrained.hub_folder import NO_FOLDER
from engine.pretrained.hub_tokenizer import has_tokenizer, own_tokens_wanted
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.widgets import named, note

OF_PICTURES = ("auto", "mean", "first token")
OF_TEXTS = (*OF_PICTURES, "last token")


class BackboneCard(QWidget):
    """The form, a button to look for the folder, and what was found there; hidden for every other model.

    Where texts are not cut into the backbone's own tokens, a button sets that.
    """

    folder_wanted = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._fitting: tuple[str, ex.Source] | None = None
        """A backbone and the data that it has taken, whose tokens need no mending."""
        self.misfit = ""
        """What is yet to be chosen; empty where nothing is, as far as it is known without loading anything."""
        self.last_misfit = NO_FOLDER
        self.form = Form(ex.Backbone)
        self.browse = named(QPushButton("Browse…"), "browse backbone", "Look for the backbone's folder")
        self.summary = named(note(), "backbone summary")
        self.take_tokens = named(QPushButton("Take its tokens"), "take tokens", "Cut texts into the backbone's tokens")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self.browse, self.summary):
            layout.addWidget(widget)
        layout.addWidget(self.take_tokens, 0, Qt.AlignmentFlag.AlignLeft)
        self.browse.clicked.connect(self.folder_wanted)
        self.take_tokens.clicked.connect(self._take_tokens)
        document.experiment_changed.connect(self.show_experiment)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show which backbone it is; what it holds is known once it was loaded."""
        model, source = experiment.model, experiment.data.source
        self.setVisible(isinstance(model, ex.Backbone))
        if not isinstance(model, ex.Backbone):
            return
        self.form.show_part(model)
        self.form.allow("pooling", OF_TEXTS if isinstance(source, ex.Text) else OF_PICTURES)
        wanted = _with_tokens_of(model, source)
        could = source != wanted and (model.folder, source) != self._fitting and has_tokenizer(model.folder)
        has_words = could and isinstance(source, ex.Text) and source.tokens != "backbone"
        self.misfit = NO_FOLDER if not model.folder else own_tokens_wanted(model.folder) if has_words else ""
        self.last_misfit = self.misfit or self.last_misfit
        self.summary.setText(self.misfit)
        self.take_tokens.setVisible(could)

    def show_prepared(self, prepared: Prepared) -> None:
        """Say what was loaded."""
        model = prepared.experiment.model
        if isinstance(model, ex.Backbone):
            self._fitting = model.folder, prepared.experiment.data.source
            self.take_tokens.hide()
            self.summary.setText("\n".join(prepared.layers))

    def point(self) -> None:
        """Bring the keyboard to what mends a misfit."""
        (self.browse if self.take_tokens.isHidden() else self.take_tokens).setFocus()

    @Slot()
    def _take_tokens(self) -> None:
        experiment = self._document.experiment
        assert isinstance(experiment.model, ex.Backbone)
        source = _with_tokens_of(experiment.model, experiment.data.source)
        self._document.replace(with_source(experiment, source), "data.source")


def _with_tokens_of(model: ex.Backbone, source: ex.Source) -> ex.Source:
    """Texts as the tokens of a backbone; other data as it is."""
    if not isinstance(source, ex.Text):
        return source
    return ex.replace(source, tokens="backbone", tokenizer=model.folder)
