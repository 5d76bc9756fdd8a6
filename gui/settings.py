"""What the window remembers from one day to the next: its size, its theme, the files it had open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

LONGEST_RECENT = 8


class Settings:
    """Typed access to QSettings; tests give a file of their own."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings("Sixstep", "Sixstep")

    def _value(self, key: str) -> Any:
        return self._store.value(key)

    @property
    def theme(self) -> str:
        """"light", "dark" or "system"."""
        value = self._value("theme")
        return value if value in ("light", "dark") else "system"

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def geometry(self) -> QByteArray | None:
        """The window's size and place."""
        value = self._value("geometry")
        return value if isinstance(value, QByteArray) else None

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def columns(self) -> QByteArray | None:
        """How wide the columns of the window are, where the person has said so."""
        value = self._value("columns")
        return value if isinstance(value, QByteArray) else None

    @columns.setter
    def columns(self, value: QByteArray) -> None:
        self._store.setValue("columns", value)

    @property
    def recent(self) -> list[Path]:
        """The files that were open last, the newest first."""
        value = self._value("recent")
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [Path(name) for name in names if isinstance(name, str)]

    def add_recent(self, path: Path) -> None:
        """Remember that `path` was open."""
        path = path.absolute()
        paths = [path, *(other for other in self.recent if other != path)][:LONGEST_RECENT]
        self._store.setValue("recent", [str(p) for p in paths])

    @property
    def trusted_code(self) -> list[str]:
        """The SHA-256 of each text of own code that the person has trusted."""
        value = self._value("trusted_code")
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [name for name in names if isinstance(name, str)]

    @trusted_code.setter
    def trusted_code(self, fingerprints: list[str]) -> None:
        self._store.setValue("trusted_code", fingerprints)

    @property
    def pasted(self) -> Path:
        """Where tables from the clipboard are kept."""
        return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)) / "pasted"

    @property
    def folder(self) -> str:
        """Where file dialogs begin."""
        recent = self.recent
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        places = [*(path.parent for path in recent[:1]), Path(documents), Path.home()]
        return str(next(place for place in places if place.is_dir()))
