"""Step 5: the runs so far; draw some over each other, bring one back."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QPushButton

from engine.runs import Run, changes, summary
from gui.document import Document
from gui.steps.panel import StepPanel
from gui.widgets import named, note


class ImprovePanel(StepPanel):
    """Step 5."""

    compared = Signal(list)  # the runs that are ticked, each with its name

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.runs: list[Run] = []
        self._last: Run | None = None
        """The run whose model is at hand."""
        self._list = named(QListWidget(), "runs", "Runs")
        self._list.setWordWrap(True)
        self._list.setSpacing(2)
        self._list.setMinimumHeight(200)
        self._bring_back = QPushButton("Bring back as the current experiment")
        self._bring_back.setEnabled(False)

        self.rows.addWidget(
            note(
                "Change one thing, fit again, compare. Choose by the validation loss (step 1 can set rows aside for "
                "it); the test set is for the end."
            )
        )
        self.rows.addWidget(self._list, 1)
        self.rows.addWidget(note("Tick runs to draw their losses over each other."))
        self.rows.addWidget(self._bring_back)

        self._list.itemChanged.connect(self._ticked)
        self._list.currentRowChanged.connect(self._row_changed)
        self._list.itemActivated.connect(self._bring)
        self._bring_back.clicked.connect(self._bring)

    def add_run(self, run: Run) -> None:
        """Keep a run; one that went on after a stop takes its own place again."""
        numbers = [other.number for other in self.runs]
        with QSignalBlocker(self._list):
            if run.number in numbers:
                row = numbers.index(run.number)
                self.runs[row] = run
                self._list.item(row).setText(self._text(row))
            else:
                self.runs.append(run)
                item = QListWidgetItem(self._text(len(self.runs) - 1), self._list)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Unchecked)
                self._list.setCurrentRow(len(self.runs) - 1)
        self._last = None if run.ended == "lost" else run
        self._bring_back.setEnabled(True)
        self._ticked()

    def take_up(self, number: int) -> bool:
        """Whether the model of that session has been fitted and is at hand again."""
        self._last = next((run for run in self.runs if run.number == number and run.ended != "lost"), None)
        return self._last is not None

    def let_go(self, is_unsaved: bool, waiting: int | None = None) -> str:
        """The model at hand has given way: what of its run is kept, in a sentence; nothing where there is no run.
        `waiting` is the number of the session that an undo brings back."""
        run, self._last = self._last, None
        if run is None:
            return ""
        model = "its model was not saved and is gone." if is_unsaved else "its model is saved."
        row = [other.number for other in self.runs].index(run.number)
        if run.number == waiting:
            return f"Run {row + 1} is kept in step 5; Undo brings its model back."
        return f"Run {row + 1} is kept in step 5, its settings and its curve; {model}"

    def clear(self) -> None:
        """Begin a new list."""
        self.runs, self._last = [], None
        with QSignalBlocker(self._list):
            self._list.clear()
        self._bring_back.setEnabled(False)
        self._ticked()

    def _text(self, row: int) -> str:
        run = self.runs[row]
        lines = [f"Run {row + 1} · {summary(run.experiment)}"]
        if row:
            different = changes(self.runs[row - 1].experiment, run.experiment)
            lines.append(", ".join(different) if different else "same settings as the run before")
        losses = " · ".join(f"{split} {loss:.4g}" for split, loss in run.last_losses.items())
        if "accuracy" in run.test_scores:
            losses += f" · accuracy {run.test_scores['accuracy']:.1%}"
        lines.append(f"{len(run.losses):,} epochs, {run.ended} · {losses}".removesuffix(" · "))
        if run.why:
            lines.append(run.why)
        return "\n".join(lines)

    @Slot()
    def _ticked(self) -> None:
        ticked = [
            (f"Run {row + 1}", run) for row, run in enumerate(self.runs)
            if self._list.item(row).checkState() is Qt.CheckState.Checked
        ]  # fmt: skip
        self.compared.emit(ticked)

    @Slot(int)
    def _row_changed(self, row: int) -> None:
        self._bring_back.setEnabled(row >= 0)

    @Slot()
    def _bring(self) -> None:
        row = self._list.currentRow()
        if row >= 0:
            self.document.replace(self.runs[row].experiment)
