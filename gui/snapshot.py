"""The window's own plots as a picture, drawn without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox

from engine.files import atomic_write
from gui.app import create_app
from gui.desk import Desk
from gui.plots.area import PlotArea
from gui.theme import LIGHT, apply_theme

if TYPE_CHECKING:
    from engine.session import Session

SIZE = (1100, 900)


def draw_fit(session: Session, path: Path) -> None:
    """Write what the window shows of a session as a PNG file. Raises InputError when it cannot be written."""
    app = QApplication.instance() or create_app(["sixstep"])
    assert isinstance(app, QApplication)
    apply_theme(app, LIGHT)
    desk = Desk(lambda _share: None, lambda: False)
    plots = PlotArea()
    plots.resize(*SIZE)
    plots.apply_theme(LIGHT)
    plots.show_prepared(desk.adopt(session))
    for kind in (QComboBox, QCheckBox):
        for control in plots.findChildren(kind):
            control.hide()  # a picture has nothing to click
    plots.show_frame(desk.next_frame(0.0), session.experiment.fit.epochs)
    table = plots.parameters
    table.setMinimumHeight(table.verticalHeader().length() + table.horizontalHeader().sizeHint().height() + 4)
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    plots.grab().save(buffer, "PNG")
    plots.deleteLater()
    atomic_write(path, bytes(content.data()))
