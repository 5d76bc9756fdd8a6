"""New, open, save: what the File menu does. A model is read and written by the training thread, the rest here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from engine.data.suits import with_data
from engine.errors import InputError
from engine.files import atomic_write, find_experiment, read_experiment, write_experiment
from gui.dialogs import EXPERIMENT_FILTER, MODEL_FILTER, PROGRAM_FILTER, TABLE_FILTER, WEIGHTS_FILTER, Dialogs
from gui.document import Document
from gui.frames import Failure, HeadMisfit, Opened, SourceFound, WeightsFound
from gui.settings import Settings
from gui.trainer import TrainingThread

MODEL_SUFFIXES = (".pt", ".pth", ".safetensors", ".pt2")


class Filing(QObject):
    """The document's way from and to files."""

    done = Signal(int, str)  # the step that the file belongs to, and what happened in one sentence
    failed = Signal(object)  # Failure

    def __init__(
        self, document: Document, trainer: TrainingThread, dialogs: Dialogs, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._trainer, self._dialogs, self._settings = document, trainer, dialogs, settings
        self._after_saving: Callable[[], None] | None = None
        self._is_new_document = False
        self.device = "auto"
        trainer.source_found.connect(self._use_source)
        trainer.opened.connect(self._model_opened)
        trainer.head_misfits.connect(self._offer_new_head)
        trainer.weights_found.connect(self._use_weights)
        trainer.saved.connect(self._model_saved)
        trainer.failed.connect(self._forget_what_was_next)

    def when_saved(self, go_on: Callable[[], None]) -> None:
        """Go on at once, or after asking about what is unsaved; not at all when the person cancels."""
        if not self._document.unsaved:
            go_on()
            return
        answer = self._dialogs.ask_to_save(self._document.name)
        if answer == "discard":
            go_on()
        elif answer == "save":
            self._after_saving = go_on
            self._trainer.stop()
            if self._document.model_unsaved and self._document.path and self._document.path.suffix == ".toml":
                self.save_model()
            else:
                self.save()

    @Slot()
    def _forget_what_was_next(self) -> None:
        self._after_saving = None
        self._is_new_document = False

    # ------------------------------------------------------------------------------------------ new and open

    @Slot(str)
    def new(self, preset: str) -> None:
        """Begin with a preset."""
        self.when_saved(lambda: self._new(preset))

    def _new(self, preset: str) -> None:
        self._document.open(find_experiment(preset), None)
        self._trainer.reset()

    @Slot()
    def open_with_dialog(self) -> None:
        """Ask which file, then open it."""
        path = self._dialogs.open_file(self._settings.folder)
        if path is not None:
            self.open_after_asking(path)

    @Slot(object)
    def open_after_asking(self, path: Path) -> None:
        """Open a file, unless the person wants to keep what is unsaved."""
        self.when_saved(lambda: self.open(path))

    @Slot()
    def choose_table(self) -> None:
        """Ask for a table and make it the data of the current experiment."""
        self.choose_file("table")

    @Slot(str)
    def choose_file(self, kind: str) -> None:
        """Ask for a file and make it the data of the current experiment; `kind` is the tag of its source."""
        path = self._dialogs.open_file(self._settings.folder, TABLE_FILTER)
        if path is not None:
            self._trainer.look_at(path, kind)

    @Slot(str)
    def choose_folder(self, kind: str) -> None:
        """Ask for a folder and make it the data of the current experiment."""
        path = self._dialogs.open_folder(self._settings.folder)
        if path is not None:
            self._trainer.look_at(path, kind)

    def take_data(self, path: Path) -> None:
        """Make a file or folder the data of the current experiment; what kind it is, is found out."""
        self._trainer.look_at(path)

    def paste(self, text: str) -> None:
        """Make a table from the clipboard the data of the current experiment; it is kept as a file of its own."""
        from engine.data.tables import write_pasted  # polars comes with it, and is there by now

        try:
            self._settings.pasted.mkdir(parents=True, exist_ok=True)
            path = write_pasted(text, self._settings.pasted)
        except (InputError, OSError) as error:
            reason = error if isinstance(error, InputError) else InputError(f"The clipboard cannot be kept: {error}.")
            self._fail(reason)
            return
        self._trainer.look_at(path, "table")

    def open(self, path: Path) -> None:
        """Open an experiment, a model or data. What is on the screen stays if the file cannot be used."""
        suffix = path.suffix.lower()
        if suffix in MODEL_SUFFIXES:
            self._trainer.open_model(path, self._document.experiment, self.device)
        elif suffix != ".toml":
            self._is_new_document = True
            self._trainer.look_at(path)
        else:
            try:
                self._document.open(read_experiment(path), path)
            except InputError as error:
                self.failed.emit(Failure(str(error)))
                return
            self._remember(path, 1, f"{path.name} opened.")

    @Slot(object)
    def _use_source(self, found: SourceFound) -> None:
        experiment = with_data(self._document.experiment, found.source)
        if self._is_new_document:
            self._is_new_document = False
            self._document.path = None  # saving must not overwrite the file that was open before
        self._document.replace(experiment, "data.source")
        self._remember(found.path, 1, found.message)

    @Slot()
    def choose_weights(self) -> None:
        """Ask for a file of weights and make it what the model begins with."""
        path = self._dialogs.open_file(self._settings.folder, WEIGHTS_FILTER)
        if path is not None:
            self.take_weights(str(path.absolute()))

    @Slot()
    def choose_backbone(self) -> None:
        """Ask for the folder of a backbone."""
        path = self._dialogs.open_folder(self._settings.folder)
        if path is not None:
            self._document.edit("model", folder=str(path.absolute()))

    @Slot()
    def choose_program(self) -> None:
        """Ask for the file of a program of torch.export."""
        path = self._dialogs.open_file(self._settings.folder, PROGRAM_FILTER)
        if path is not None:
            self._document.edit("model", path=str(path.absolute()))

    @Slot()
    def choose_tokenizer(self) -> None:
        """Ask for the folder whose tokenizer cuts the texts."""
        path = self._dialogs.open_folder(self._settings.folder)
        if path is not None:
            self._document.edit("data.source", tokenizer=str(path.absolute()))

    @Slot(str)
    def take_weights(self, weights: str) -> None:
        """Make a file of weights, or sixstep:NAME, what the model of the current experiment begins with."""
        self._trainer.take_weights(weights, self._document.experiment)

    @Slot(object)
    def _offer_new_head(self, misfit: HeadMisfit) -> None:
        if self._dialogs.ask_for_new_head(misfit.sentence):
            self.take_weights(str(misfit.path.absolute()))

    @Slot(object)
    def _use_weights(self, found: WeightsFound) -> None:
        self._document.replace(found.experiment, "model.weights")
        self.done.emit(2, found.message)

    @Slot(object)
    def _model_opened(self, opened: Opened) -> None:
        self._document.open(opened.experiment, opened.path if opened.of_sixstep else None)
        self._remember(opened.path, 6 if opened.of_sixstep else 2, opened.message)

    # -------------------------------------------------------------------------------------------------- save

    @Slot()
    def save(self) -> None:
        """Save to the file that is open, or ask for one."""
        path = self._document.path
        if path is None:
            self.save_as()
        else:
            self._save_to(path)

    @Slot()
    def save_as(self) -> None:
        """Ask for a file: a .pt has the model and the experiment, a .toml the experiment alone."""
        self._ask_and_save(f"{MODEL_FILTER};;{EXPERIMENT_FILTER}", ".pt")

    @Slot()
    def save_model(self) -> None:
        """Ask for a .pt file."""
        self._ask_and_save(MODEL_FILTER, ".pt")

    @Slot()
    def save_experiment(self) -> None:
        """Ask for a .toml file."""
        self._ask_and_save(EXPERIMENT_FILTER, ".toml")

    def _ask_and_save(self, filters: str, suffix: str) -> None:
        path = self._dialogs.save_file(self._suggestion(suffix), filters)
        if path is None:
            self._after_saving = None
        else:
            self._save_to(path)

    def _suggestion(self, suffix: str) -> Path:
        path = self._document.path
        name = {".pt": "model.pt", ".toml": "experiment.toml", ".py": "script.py"}[suffix]
        return path.with_suffix(suffix) if path else Path(self._settings.folder) / name

    def _save_to(self, path: Path) -> None:
        if path.suffix.lower() in MODEL_SUFFIXES[:2]:
            self._trainer.save_model(path)
        elif path.suffix.lower() == ".toml":
            try:
                write_experiment(path, self._document.experiment)
            except InputError as error:
                self._fail(error)
                return
            self._is_saved(path, f"{path.name} saved: the experiment alone, without the model's weights.", False)
        else:
            self._fail(InputError(f"{path.name}: end the name with .pt for a model or .toml for an experiment."))

    def _fail(self, error: InputError) -> None:
        self._after_saving = None
        self.failed.emit(Failure(str(error)))

    @Slot(object)
    def _model_saved(self, path: Path) -> None:
        self._is_saved(path, f"{path.name} saved: the model with its experiment.", True)

    def _is_saved(self, path: Path, message: str, with_model: bool) -> None:
        self._document.saved(path, with_model)
        self._remember(path, 6, message)
        go_on, self._after_saving = self._after_saving, None
        if go_on is not None:
            go_on()

    def export_script(self, code: str) -> None:
        """Ask for a .py file and write the script."""
        path = self._dialogs.save_file(self._suggestion(".py"), "Python (*.py)")
        if path is None:
            return
        try:
            atomic_write(path, code.encode())
        except InputError as error:
            self._fail(error)
            return
        self.done.emit(6, f"{path.name} written: python {path.name} prints the losses of every epoch.")

    def _remember(self, path: Path, step: int, message: str) -> None:
        if path.parent != self._settings.pasted:  # nobody looks for files there
            self._settings.add_recent(path)
        self.done.emit(step, message)
