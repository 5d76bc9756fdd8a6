"""Own code between its editor, its card in step 2, the thread that tries it and what the person trusts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from engine import experiment as ex
from engine.own_code.trust import Trust
from gui.document import Document
from gui.filing import MODEL_SUFFIXES, Filing
from gui.settings import Settings
from gui.steps.own_code import OwnCodeCard, OwnCodeView
from gui.trainer import TrainingThread


class OwnCodeWork(QObject):
    """Connects them."""

    prepare_wanted = Signal()
    busy = Signal(bool)  # own code is being tried: what starts a fit has to wait

    def __init__(
        self, document: Document, trust: Trust, settings: Settings, trainer: TrainingThread, filing: Filing,
        device: Callable[[], str],
    ) -> None:  # fmt: skip
        super().__init__(trainer)
        self._document, self._trust, self._settings = document, trust, settings
        self._trainer, self._filing, self._device = trainer, filing, device
        self.view = OwnCodeView(document, trust)
        self.card = OwnCodeCard(document, trust)
        self._is_in_sight = self._is_expected = False
        self.view.typing.connect(trainer.expect_another_text)
        self.view.in_sight.connect(self._sighted)
        document.experiment_changed.connect(self._expect)
        self.view.check_wanted.connect(self._check)
        self.view.trusted.connect(self._take_as_trusted)
        trainer.code_checked.connect(self._end)
        trainer.failed.connect(self._end)
        trainer.code_checked.connect(self.view.show_checked)
        trainer.failed.connect(self.view.show_failure)

    @Slot(bool)
    def _sighted(self, is_in_sight: bool) -> None:
        self._is_in_sight = is_in_sight
        self._expect(self._document.experiment)

    @Slot(object)
    def _expect(self, experiment: ex.Experiment) -> None:
        """A process that has loaded torch waits as long as there may be code to check: that takes seconds."""
        is_expected = self._is_in_sight or isinstance(experiment.model, ex.OwnCode)
        if is_expected != self._is_expected:
            self._is_expected = is_expected
            self._trainer.expect_code(is_expected)

    @Slot(object)
    def _check(self, experiment: ex.Experiment) -> None:
        self.busy.emit(True)
        self._trainer.check_code(experiment, self._device())

    @Slot(object)
    def _end(self, _answer: object) -> None:
        self.busy.emit(False)

    @Slot(str)
    def _take_as_trusted(self, code: str) -> None:
        """From now on this text may run. A model file that brought it is opened anew, with its weights."""
        self._trust.add(code)
        self._settings.trusted_code = self._trust.fingerprints
        self.card.show_trust()
        model = self._document.experiment.model
        if self._trainer.has_session or not isinstance(model, ex.OwnCode) or model.code != code:
            return
        path = self._document.path
        if path is not None and path.suffix.lower() in MODEL_SUFFIXES and not self._document.unsaved:
            self._filing.open(path)
        else:
            self.prepare_wanted.emit()
