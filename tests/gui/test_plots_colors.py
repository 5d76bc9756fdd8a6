"""The colours of classes and values can be told apart, by colour-blind people too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from gui.theme import DARK, LIGHT, Theme

EYES = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What linear RGB becomes for eyes without one kind of cones (Machado, Oliveira and Fernandes 2009, severity 1)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> NDArray[np.float64]:
    parts = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB (1976) of linear RGB."""
    x, y, z = np.cbrt(np.clip(TO_XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089], 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, eyes: str) -> float:
    """The distance of two colours; 2.3 is just noticeable."""
    seen = [lab(np.asarray(EYES[eyes]) @ linear(color)) for color in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(one: str, other: str) -> float:
    """By WCAG 2."""
    light, dark = sorted((float(TO_XYZ[1] @ linear(color)) for color in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_two_classes_differ_clearly_for_all_eyes(theme: Theme, eyes: str) -> None:
    for one, other in itertools.combinations(theme.classes, 2):
        assert apart(one, other, eyes) > 14, (one, other)
    assert apart(*theme.classes[:2], eyes) > 50, "the first two, which are met most often"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_classes_stand_out_from_the_panel_and_are_not_the_red_of_predictions(theme: Theme) -> None:
    for color in theme.classes:
        assert contrast(color, theme.panel) > 2.2, color
        assert apart(color, theme.prediction, "normal") > 20, color


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_values_rise_in_lightness_for_all_eyes(theme: Theme, eyes: str) -> None:
    lightness = [lab(np.asarray(EYES[eyes]) @ linear(color))[0] for color in theme.values]
    assert (np.diff(lightness) > 4).all()
