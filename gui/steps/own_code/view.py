"""The large editor in the middle of the window, with what a check has found below it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.own_code import EXAMPLE
from engine.own_code.trust import Trust
from gui.document import Document
from gui.frames import CodeChecked, Failure
from gui.steps.own_code.editor import CodeEditor
from gui.theme import Theme
from gui.widgets import heading, named, note

UNTRUSTED = "This file brings its own code. Read it; nothing of it has run."
BEGINNING = "Change it as you like, then press Check and use: it becomes the model."


class OwnCodeView(QFrame):
    """Shows the document's code; what is typed becomes the model by "Check and use", as one change."""

    check_wanted = Signal(object)  # Experiment with the code in the editor
    trusted = Signal(str)  # the person has read this text and lets it run
    typing = Signal()  # a text that is not in use yet: it will be checked
    closed = Signal()  # the person wants the plots again
    in_sight = Signal(bool)  # whether it is

    def __init__(self, document: Document, trust: Trust) -> None:
        super().__init__()
        self.setObjectName("card")
        self._document, self._trust = document, trust
        self._taken = ""
        self._to_use: str | None = None
        self._is_putting = False
        self.editor = CodeEditor()
        named(self.editor, "own code", "Own code")
        self.banner = named(note(UNTRUSTED), "warning")
        self.trust_button = named(QPushButton("Trust and use"), "trust", "Trust and use this code")
        self.check_button = named(QPushButton("Check"), "check", "Check the code")
        self.check_button.setToolTip("Build the model and try it on some rows of the data (Ctrl+Enter)")
        self.use_button = named(QPushButton("Check and use"), "use", "Check and use the code")
        self.close_button = named(QPushButton("Show the plots"), "close code", "Show the plots")
        self.says = named(note(), "says")
        self.layers = named(QPlainTextEdit(readOnly=True), "layers", "Layers of the model as they ran")
        self.layers.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.layers.setFont(self.editor.font())
        self._lay_out()

        self.editor.textChanged.connect(self._text_changed)
        self.editor.check_asked.connect(self.check)
        self.check_button.clicked.connect(self.check)
        self.use_button.clicked.connect(self.check_and_use)
        self.trust_button.clicked.connect(self.trust_and_use)
        self.close_button.clicked.connect(self.closed)
        document.experiment_changed.connect(self.show_experiment)
        self.show_experiment(document.experiment)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(heading("Own code: a class that subclasses nn.Module"))
        top.addStretch()
        top.addWidget(self.close_button)
        buttons = QHBoxLayout()
        for button in (self.trust_button, self.check_button, self.use_button):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addLayout(top)
        layout.addWidget(self.banner)
        layout.addWidget(self.editor, stretch=3)
        layout.addWidget(self.says)
        layout.addLayout(buttons)
        layout.addWidget(self.layers, stretch=1)
        self.layers.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.in_sight.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.in_sight.emit(False)

    @property
    def text(self) -> str:
        """What is in the editor."""
        return self.editor.toPlainText()

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.editor.apply_theme(theme)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show the document's code, where it is another one."""
        model = experiment.model
        if not isinstance(model, ex.OwnCode):
            self._taken = ""
            if not self.text:
                self._put(EXAMPLE)
                self._say(BEGINNING)
        elif model.code != self._taken:
            self._taken = model.code
            if self.text != model.code:
                self._put(model.code)
                self.layers.hide()
            self._say("")
        self._show_trust()

    def clear(self) -> None:
        """Another document that has no code: begin with the example again."""
        self._put(EXAMPLE)
        self.layers.hide()
        self._say(BEGINNING)

    def _put(self, text: str) -> None:
        was_empty = not self.text
        self._is_putting = True
        self.editor.replace_text(text)
        if was_empty:
            self.editor.document().clearUndoRedoStacks()  # undo would empty what nobody has touched
        self._is_putting = False

    @property
    def is_trusted(self) -> bool:
        """Whether the document's code may run."""
        model = self._document.experiment.model
        return not isinstance(model, ex.OwnCode) or model.code in self._trust

    def _show_trust(self) -> None:
        trusted = self.is_trusted
        self.banner.setVisible(not trusted)
        self.trust_button.setVisible(not trusted)
        self.check_button.setVisible(trusted)
        self.use_button.setVisible(trusted)

    def _say(self, sentence: str, line: int = 0, is_error: bool = False) -> None:
        self.says.setText(sentence)
        self.says.setObjectName("error" if is_error else "says")  # the theme colours by name
        self.says.style().polish(self.says)
        self.editor.mark(line)

    @Slot()
    def _text_changed(self) -> None:
        if self._is_putting or self.text == self._taken:
            return
        if self.text == EXAMPLE and not self._taken:
            self._say(BEGINNING)
        else:
            self._say("Changed. It is not in use yet: press Check and use.")
        self.typing.emit()

    # --------------------------------------------------------------------------------------------- the check

    @Slot()
    def check(self) -> None:
        """Have the text tried on some rows."""
        if self.is_trusted and self.check_button.isEnabled():  # Ctrl+Enter comes during a check, too
            self._ask()

    @Slot()
    def check_and_use(self) -> None:
        """Have the text tried, and make it the model if it works."""
        self._to_use = self.text
        self._ask()

    @Slot()
    def trust_and_use(self) -> None:
        """Let a text run that came from a file."""
        is_as_it_came = self.text == self._taken
        self.trusted.emit(self.text)
        self._show_trust()
        if is_as_it_came:
            self._say("")
        else:
            self.check_and_use()

    def _ask(self) -> None:
        self.editor.setFocus()  # Qt would move it on from a button that is disabled, out of this view
        for button in (self.check_button, self.use_button):
            button.setEnabled(False)
        self._say("Checking…")
        self.check_wanted.emit(ex.replace(self._document.experiment, model=ex.OwnCode(code=self.text)))

    @Slot(object)
    def show_checked(self, checked: CodeChecked) -> None:
        """Say what the check has found; take the text if that was asked for and it works."""
        for button in (self.check_button, self.use_button):
            button.setEnabled(True)
        to_use, self._to_use = self._to_use, None
        if checked.code != self.text:
            self._say("The text was changed during the check: check it again.")
            return
        self.layers.setVisible(not checked.sentence)
        self.layers.setPlainText("\n".join(checked.layers))
        if checked.sentence:
            self._say(checked.sentence, checked.line, is_error=True)
            if checked.line:
                self.editor.go_to(checked.line)
            return
        if to_use != checked.code:
            self._say("It works. Press Check and use to make it the model.")
            return
        self._say("It works, and it is the model now: press Fit.")
        self._use(to_use)

    def _use(self, code: str) -> None:
        said = self.says.text()
        self.trusted.emit(code)
        self._taken = code
        try:
            experiment = self._document.experiment
            self._document.replace(ex.replace(experiment, model=ex.OwnCode(code=code)), "model")
            self._say(said)
        except InputError as error:
            self._say(str(error), is_error=True)

    @Slot(object)
    def show_failure(self, failure: Failure) -> None:
        """Something went wrong in the thread; of own code mark the line."""
        waited = not self.use_button.isEnabled()
        for button in (self.check_button, self.use_button):
            button.setEnabled(True)
        self._to_use = None
        if failure.line or waited:
            self._say(failure.sentence, failure.line, is_error=True)
