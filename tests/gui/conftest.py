"""A window for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from gui.settings import Settings
from tests.gui.person import Person


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def person(qtbot: QtBot, settings: Settings) -> Iterator[Person]:
    person = Person(qtbot, settings)
    yield person
    assert not person.answers.errors, person.answers.errors
