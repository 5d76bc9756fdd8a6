"""The only modal code. Tests replace this one object."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

TABLES = "*.csv *.tsv *.txt *.parquet *.pq *.xlsx *.npy *.npz"
OPEN_FILTER = f"All that opens (*.toml *.pt *.pth *.safetensors *.pt2 {TABLES});;Experiment (*.toml);;" \
    f"Model (*.pt *.pth *.safetensors *.pt2);;Table ({TABLES})"
TABLE_FILTER = f"Table ({TABLES} *.pt *.pth *.safetensors);;All files (*)"
MODEL_FILTER = "Model with its experiment (*.pt)"
WEIGHTS_FILTER = "Weights (*.pt *.pth *.safetensors *.pt2)"
PROGRAM_FILTER = "Exported program (*.pt2)"
EXPERIMENT_FILTER = "Experiment alone (*.toml)"


class Dialogs:
    """Questions that the person has to answer before anything else goes on."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def open_file(self, folder: str, filters: str = OPEN_FILTER) -> Path | None:
        """The file to open, or None."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open", folder, filters)
        return Path(name) if name else None

    def open_folder(self, folder: str) -> Path | None:
        """The folder to open, or None."""
        name = QFileDialog.getExistingDirectory(self._parent, "Open folder", folder)
        return Path(name) if name else None

    def save_file(self, suggestion: Path, filters: str) -> Path | None:
        """Where to save, or None. A name without a suffix gets that of the chosen kind."""
        name, chosen = QFileDialog.getSaveFileName(self._parent, "Save", str(suggestion), filters)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(chosen[chosen.rindex(".") :].rstrip(")"))

    def ask_to_save(self, name: str) -> str:
        """"save", "discard" or "cancel"."""
        box = self._box(QMessageBox.Icon.Question, f"Save the changes to {name}?", "They are lost if you don't.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        answers = {buttons.Save: "save", buttons.Discard: "discard"}
        return answers.get(buttons(box.exec()), "cancel")

    def ask_for_new_head(self, sentence: str) -> bool:
        """Whether a model that does not fit the classes at hand is to be used with a new head."""
        box = self._box(QMessageBox.Icon.Question, sentence, "Use its layers as pretrained, frozen, with a new head?")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Yes | buttons.Cancel)
        box.button(buttons.Yes).setText("Use as pretrained")
        return buttons(box.exec()) is buttons.Yes

    def error(self, sentence: str, details: str = "") -> None:
        """Say what went wrong, with the details folded away."""
        box = self._box(QMessageBox.Icon.Warning, sentence, "")
        if details:
            box.setDetailedText(details)
        box.exec()

    def about(self, text: str) -> None:
        """Say what this program is."""
        self._box(QMessageBox.Icon.Information, text, "").exec()

    def _box(self, symbol: QMessageBox.Icon, text: str, more: str) -> QMessageBox:
        box = QMessageBox(symbol, "Sixstep", text, parent=self._parent)
        box.setTextFormat(Qt.TextFormat.PlainText)  # a file's name may look like HTML
        box.setInformativeText(more)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return box
