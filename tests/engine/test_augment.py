"""Step 1, augmentation: what each change does to a picture, and that the script's function does the same bits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from engine import experiment as ex
from engine.data.augment import augment, lines

CHANGES = {"flip": True, "rotate": 20.0, "crop": 3, "colour": 0.3}
EVERY_MIX = [
    ex.Augmentation(**{name: CHANGES[name] for name in names})
    for k in range(len(CHANGES) + 1)
    for names in itertools.combinations(CHANGES, k)
]


@pytest.fixture
def X() -> torch.Tensor:
    return torch.rand(50, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def changed(X: torch.Tensor, seed: int = 0, **changes) -> torch.Tensor:
    return augment(X, ex.Augmentation(**changes), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("augmentation", EVERY_MIX, ids=str)
def test_the_script_draws_and_computes_the_same_bits(X, augmentation):
    namespace = {"torch": torch, "nn": nn}
    exec("\n".join(lines(augmentation)), namespace)
    for channels in (3, 1):
        before = X[:, :channels].clone()
        ours = augment(before, augmentation, torch.Generator().manual_seed(7))
        theirs = namespace["augment"](before, torch.Generator().manual_seed(7))
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
        assert ours.shape == before.shape and ours.dtype == torch.float32 and ours.stride() == theirs.stride()
        assert torch.equal(before, X[:, :channels]), "the pictures themselves are changed"
    assert bool(augmentation) != torch.equal(ours, before)


@pytest.mark.parametrize("augmentation", EVERY_MIX[1:], ids=str)
def test_the_same_seed_draws_the_same_and_another_epoch_others(X, augmentation):
    first, again, other = (augment(X, augmentation, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_flip_mirrors_about_half_of_the_pictures_and_nothing_else(X):
    out = changed(X, flip=True)
    mirrored = [torch.equal(new, old.flip(dims=[2])) for new, old in zip(out, X, strict=True)]
    same = [torch.equal(new, old) for new, old in zip(out, X, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True)) and 15 < sum(mirrored) < 35


def test_a_rotation_is_the_one_that_pillow_makes(X):
    out = changed(X, rotate=180.0)
    angles = (2 * torch.rand(len(X), generator=torch.Generator().manual_seed(0)) - 1) * 180
    for new, old, angle in zip(out, X, angles.tolist(), strict=True):
        turned = [
            np.asarray(Image.fromarray(channel.numpy()).rotate(angle, Image.Resampling.BILINEAR)) for channel in old
        ]
        inside = np.abs(new[:, 4:12, 4:12].numpy() - np.stack(turned)[:, 4:12, 4:12])
        assert inside.max() < 1e-4


def test_a_rotation_stays_within_its_degrees():
    bar = torch.zeros(200, 1, 33, 33)
    bar[:, :, 16, :] = 1  # a horizontal line through the centre
    right = changed(bar, rotate=10.0)[:, 0, :, 30].argmax(dim=1) - 16
    assert right.abs().max() <= math.ceil(14 * math.tan(math.radians(10))) and right.min() < 0 < right.max()


def test_a_crop_shifts_whole_pixels_and_fills_with_zeros(X):
    out = changed(X + 1, crop=2)
    padded = nn.functional.pad(X + 1, [2] * 4)
    seen = set()
    for new, whole in zip(out, padded, strict=True):
        fits = [
            (y, x) for y in range(5) for x in range(5) if torch.equal(new, whole[:, y : y + 16, x : x + 16])
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) > 15, "shifts in all directions"
    assert changed(X, crop=64).shape == X.shape, "a shift may be wider than the picture"


def test_colours_keep_their_order_and_move_by_their_share(X):
    out = changed(X, colour=0.2)
    slope = (out[:, 0, 0, 1] - out[:, 0, 0, 0]) / (X[:, 0, 0, 1] - X[:, 0, 0, 0])
    brightness = out.mean(dim=(1, 2, 3)) / X.mean(dim=(1, 2, 3))
    assert 0.8 - 1e-4 < brightness.min() < 0.85 and 1.15 < brightness.max() < 1.2 + 1e-4
    contrast = slope / brightness
    assert 0.8 - 1e-4 < contrast.min() < 0.85 and 1.15 < contrast.max() < 1.2 + 1e-4


def test_each_picture_is_changed_alone():
    X = torch.rand(1, 3, 8, 8).expand(20, -1, -1, -1).contiguous()
    out = changed(X, **CHANGES)
    assert len({picture.numpy().tobytes() for picture in out}) == 20
