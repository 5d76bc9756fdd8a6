"""Colours, light and dark. An explicit palette: Qt's own colour scheme does nothing on plain X or offscreen."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QApplication

from engine.files import RESOURCES


@dataclass(frozen=True)
class Theme:
    """The colours of the window. Train is blue, test green, predictions red, as in the course."""

    name: str
    window: str
    panel: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    train: str
    validation: str
    test: str
    prediction: str
    error: str
    grid_alpha: float
    keyword: str
    string: str
    comment: str
    number: str
    changed: str
    classes: tuple[str, ...]
    """Eight colours that colour-blind people can tell apart: those of Okabe and Ito (2008), fitted to the panel."""
    values: tuple[str, ...]
    """Eight colours from low to high, of rising lightness: matplotlib's viridis without the end that would not show."""

    @property
    def splits(self) -> dict[str, str]:
        """The colour of each split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


LIGHT = Theme(
    name="light", window="#eef0f4", panel="#ffffff", border="#d3d8e2", text="#1c2230", muted="#626b7d",
    accent="#3457d5", on_accent="#ffffff", train="#2563eb", validation="#d97706", test="#16a34a",
    prediction="#e11d48", error="#c81e1e", grid_alpha=0.14, keyword="#7c3aed", string="#15803d", comment="#6b7280",
    number="#b45309", changed="#fff3c4",
    classes=("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#913c00", "#30343c"),
    values=("#440154", "#472d7b", "#3a538b", "#2b748e", "#1f938c", "#2cb17d", "#68cc5b", "#bbde27"),
)  # fmt: skip
DARK = Theme(
    name="dark", window="#171a21", panel="#1f232d", border="#343b4a", text="#e6e9f0", muted="#98a2b5",
    accent="#6f8cff", on_accent="#10131a", train="#60a5fa", validation="#fbbf24", test="#4ade80",
    prediction="#fb7185", error="#ff7b72", grid_alpha=0.18, keyword="#c4a7ff", string="#8fd19e", comment="#8b94a7",
    number="#f5b971", changed="#3d3a1f",
    classes=("#4a8fe0", "#f5a51b", "#1aa876", "#d98cc0", "#a6e4ff", "#d2601a", "#f2f06a", "#ffffff"),
    values=("#453480", "#38588c", "#2a768e", "#1f938c", "#2ab07e", "#60ca5f", "#addc2f", "#fde725"),
)  # fmt: skip


def system_theme(app: QApplication) -> Theme:
    """What the system asks for."""
    dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return DARK if dark else LIGHT


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give every widget the theme's colours."""
    palette = QPalette()
    role = QPalette.ColorRole
    for name, color in {
        role.Window: theme.window, role.Base: theme.panel, role.AlternateBase: theme.window,
        role.Button: theme.panel, role.WindowText: theme.text, role.Text: theme.text,
        role.ButtonText: theme.text, role.ToolTipBase: theme.panel, role.ToolTipText: theme.text,
        role.Highlight: theme.accent, role.HighlightedText: theme.on_accent, role.PlaceholderText: theme.muted,
        role.Link: theme.accent, role.Light: theme.border, role.Midlight: theme.border, role.Mid: theme.border,
        role.Dark: theme.muted, role.Shadow: theme.border, role.BrightText: theme.prediction,
    }.items():  # fmt: skip
        palette.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.muted))
    app.setPalette(palette)
    app.setStyleSheet(_style_sheet(theme))


def _style_sheet(theme: Theme) -> str:
    check = (RESOURCES / "icons" / f"check-{theme.name}.svg").as_posix()
    field = f"border: 1px solid {theme.border}; border-radius: 4px; background: {theme.panel};"
    return f"""
    QToolTip {{ color: {theme.text}; background: {theme.panel}; border: 1px solid {theme.border}; padding: 4px; }}
    QToolBar {{ background: {theme.panel}; border: 0; border-bottom: 1px solid {theme.border}; spacing: 4px;
        padding: 4px 8px; }}
    QToolBar QToolButton {{ padding: 5px 10px; border-radius: 4px; }}
    QToolBar QToolButton:hover:enabled {{ background: {theme.window}; }}
    QToolBar QToolButton:checked {{ background: {theme.accent}; color: {theme.on_accent}; }}
    QToolBar QToolButton:focus {{ border: 1px solid {theme.accent}; }}
    QMenuBar {{ background: {theme.panel}; }}
    QMenuBar::item {{ padding: 4px 10px; background: transparent; }}
    QMenuBar::item:selected, QMenu::item:selected {{ background: {theme.accent}; color: {theme.on_accent}; }}
    QMenu {{ background: {theme.panel}; border: 1px solid {theme.border}; }}
    QMenu::item {{ padding: 5px 24px; }}
    QMenu::item:disabled {{ color: {theme.muted}; }}
    QMenu::separator {{ height: 1px; background: {theme.border}; margin: 4px 8px; }}
    QStatusBar {{ background: {theme.panel}; border-top: 1px solid {theme.border}; }}
    QStatusBar::item {{ border: 0; }}
    QSplitter::handle {{ background: {theme.window}; }}
    QFrame#card {{ background: {theme.panel}; border: 1px solid {theme.border}; border-radius: 6px; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: {theme.panel}; border: 0; }}
    QLabel#muted {{ color: {theme.muted}; }}
    QLabel#heading {{ font-weight: 600; }}
    QLabel#warning {{ color: {theme.validation}; }}
    QLabel#error {{ color: {theme.error}; }}
    QFrame#picker {{ background: {theme.panel}; border: 1px solid {theme.muted}; }}
    QPlainTextEdit {{ border: 0; background: {theme.panel}; selection-background-color: {theme.accent}; }}
    QTableView {{ border: 1px solid {theme.border}; border-radius: 4px; gridline-color: {theme.border};
        alternate-background-color: {theme.window}; }}
    QHeaderView::section {{ background: {theme.window}; color: {theme.muted}; border: 0;
        border-bottom: 1px solid {theme.border}; padding: 4px 6px; }}
    QTableView#flow QHeaderView {{ background: {theme.panel}; }}
    QTableCornerButton::section {{ background: {theme.window}; border: 0; }}
    QPushButton {{ padding: 5px 12px; {field} }}
    QPushButton:hover:enabled {{ border-color: {theme.accent}; }}
    QPushButton:focus {{ border-color: {theme.accent}; }}
    QPushButton::menu-indicator {{ image: none; width: 0; }}
    QPushButton:disabled {{ color: {theme.muted}; background: {theme.window}; }}
    QScrollBar {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ width: 10px; }}
    QScrollBar:horizontal {{ height: 10px; }}
    QScrollBar::handle {{ background: {theme.border}; border-radius: 4px; margin: 1px; min-height: 24px;
        min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {theme.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QListWidget, QTreeView {{ {field} }}
    QCheckBox::indicator, QListView::indicator {{ width: 13px; height: 13px; border: 1px solid {theme.muted};
        border-radius: 3px; background: {theme.panel}; }}
    QCheckBox::indicator:checked, QListView::indicator:checked {{ background: {theme.accent};
        border-color: {theme.accent}; image: url("{check}"); }}
    QCheckBox::indicator:focus {{ border: 2px solid {theme.accent}; }}
    QProgressBar {{ border: 1px solid {theme.border}; border-radius: 4px; background: {theme.window};
        text-align: center; max-height: 14px; }}
    QProgressBar::chunk {{ background: {theme.accent}; border-radius: 3px; }}
    """


def icon(name: str, theme: Theme) -> QIcon:
    """The icon of a control, drawn in the theme's colours so that it is sharp at every size."""
    result = QIcon()
    for mode, color in ((QIcon.Mode.Normal, theme.text), (QIcon.Mode.Disabled, theme.muted)):
        if name == "fit" and mode is QIcon.Mode.Normal:
            color = theme.test
        pixmap = QPixmap(64, 64)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(color))
        painter.setPen(Qt.PenStyle.NoPen)
        _draw(painter, name, QColor(color))
        painter.end()
        result.addPixmap(pixmap, mode)
    return result


def _draw(painter: QPainter, name: str, color: QColor) -> None:
    triangle = QPolygonF([QPointF(16, 10), QPointF(54, 32), QPointF(16, 54)])
    match name:
        case "fit":
            painter.drawPolygon(triangle)
        case "pause":
            painter.drawRect(QRectF(14, 10, 12, 44))
            painter.drawRect(QRectF(38, 10, 12, 44))
        case "step":
            painter.drawPolygon(QPolygonF([QPointF(12, 12), QPointF(42, 32), QPointF(12, 52)]))
            painter.drawRect(QRectF(44, 12, 8, 40))
        case "stop":
            painter.drawRoundedRect(QRectF(12, 12, 40, 40), 4, 4)
        case "reset":
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color, 7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            path = QPainterPath()
            path.arcMoveTo(QRectF(13, 13, 38, 38), 60)
            path.arcTo(QRectF(13, 13, 38, 38), 60, -300)
            painter.drawPath(path)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawPolygon(QPolygonF([QPointF(18, 4), QPointF(44, 13), QPointF(22, 30)]))
        case _:
            _draw_lines(painter, name, color)


def _draw_lines(painter: QPainter, name: str, color: QColor) -> None:
    """Icons of lines, for the list of layers."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    match name:
        case "add":
            painter.drawLine(32, 12, 32, 52)
            painter.drawLine(12, 32, 52, 32)
        case "up" | "down":
            top, bottom = (12, 52) if name == "up" else (52, 12)
            painter.drawLine(32, top, 32, bottom)
            painter.drawPolyline([QPointF(17, (top + 32) / 2 + 5 * (1 if name == "up" else -1)), QPointF(32, top),
                                  QPointF(47, (top + 32) / 2 + 5 * (1 if name == "up" else -1))])
        case "duplicate":
            painter.drawRoundedRect(QRectF(22, 10, 32, 32), 4, 4)
            painter.drawPolyline([QPointF(14, 22), QPointF(10, 22), QPointF(10, 54), QPointF(42, 54), QPointF(42, 50)])
        case "remove":
            painter.drawLine(10, 17, 54, 17)
            painter.drawPolyline([QPointF(24, 16), QPointF(24, 9), QPointF(40, 9), QPointF(40, 16)])
            painter.drawPolyline([QPointF(16, 18), QPointF(19, 55), QPointF(45, 55), QPointF(48, 18)])
            painter.drawLine(27, 28, 28, 45)
            painter.drawLine(37, 28, 36, 45)
        case "freeze":
            painter.drawRoundedRect(QRectF(13, 29, 38, 26), 4, 4)
            painter.drawPolyline([QPointF(21, 28), QPointF(21, 19)])
            painter.drawArc(QRectF(21, 8, 22, 22), 0, 180 * 16)
            painter.drawPolyline([QPointF(43, 28), QPointF(43, 19)])
