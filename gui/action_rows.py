"""Every action of the window, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui import actions as act
from gui.actions import Row

if TYPE_CHECKING:
    from gui.window import MainWindow

CONTROLS = ("fit", "pause", "step", "stop", "reset")
"""Those that stand in the toolbar and in step 3."""


def action_rows(window: MainWindow) -> list[Row]:
    """Name, text, shortcut, what it does, when it can, tip."""
    filing = window.filing
    return [
        Row("fit", "&Fit", "Ctrl+Return", window.fit, act.can_start, "Train to the last epoch"),
        Row("pause", "&Pause", "Ctrl+P", window.pause_or_resume, act.is_open, "Stand still; again to go on"),
        Row("step", "Step &one epoch", "Ctrl+E", window.step, act.can_start, "Train one epoch"),
        Row("stop", "&Stop", "Ctrl+.", window.stop, act.is_open, "End the fit and keep the model"),
        Row("reset", "&Reset", "Ctrl+R", window.reset, act.can_start, "Back to epoch 0"),
        Row("open", "&Open…", "Ctrl+O", filing.open_with_dialog, act.at_rest),
        Row("save", "&Save", "Ctrl+S", filing.save, act.has_model),
        Row("save_as", "Save &as…", "Ctrl+Shift+S", filing.save_as, act.has_model),
        Row("save_model", "Save &model…", "", filing.save_model, act.has_model),
        Row("save_experiment", "Save e&xperiment…", "", filing.save_experiment),
        Row("export_script", "Export s&cript…", "Ctrl+Shift+E", window.export_script),
        Row("cancel", "&Cancel reading", "Esc", window.trainer.cancel_reading, act.never),
        Row("quit", "&Quit", "Ctrl+Q", window.close),
        Row("undo", "&Undo", "Ctrl+Z", window.document.undo_stack.undo, act.at_rest),
        Row("redo", "&Redo", "Ctrl+Shift+Z", window.document.undo_stack.redo, act.at_rest),
        Row("paste_data", "&Paste data", "Ctrl+Shift+V", window.paste_data, act.at_rest,
            "Make the table on the clipboard the data"),
        Row("copy_code", "&Copy code", "Ctrl+Shift+C", window.copy_code, tip="Copy the script"),
        Row("rows", "&Table of rows", "Ctrl+T", window.views.show_table, act.has_session,
            "All rows of the data, or the plots", is_switch=True),
        Row("model", "&Model", "Ctrl+M", window.views.show_model, tip="What flows through the model, or the plots",
            is_switch=True),
        Row("own_code", "Own &code", "Ctrl+Shift+M", window.views.show_own_code,
            tip="A class of your own that subclasses nn.Module, or the plots", is_switch=True),
        Row("about", "&About Sixstep", "", window.about),
    ]  # fmt: skip
