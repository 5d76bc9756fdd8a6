"""Step 1: other training pictures in every epoch, by plain torch operations; the script's lines do the same.

Only what the model learns from is changed, never the pictures that it is judged on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine import experiment as ex

if TYPE_CHECKING:  # the script, which asks for `lines`, needs no torch
    import torch


def augment(X: torch.Tensor, augmentation: ex.Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Changed copies of the pictures X, float32 [n, channels, size, size]; X stays as it is.

    All is drawn anew for each picture from `generator`, on the CPU, in this order: flip, angle, shift down, shift
    right, brightness, contrast. The caller seeds the generator in each epoch by the run's seed and the epoch, so that
    a run that goes on draws what it would have drawn. Colours are moved about the picture's mean and may leave 0..1.
    """
    import torch
    from torch import nn

    n, channels, size = X.shape[:3]
    if augmentation.flip:
        mirrored = (torch.rand(n, generator=generator) < 0.5).to(X.device)
        X = torch.where(mirrored.view(n, 1, 1, 1), X.flip(dims=[3]), X)
    if augmentation.rotate:
        angle = (2 * torch.rand(n, generator=generator) - 1) * math.radians(augmentation.rotate)
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(n)
        turn = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(n, 2, 3).to(X.device)
        grid = nn.functional.affine_grid(turn, list(X.shape), align_corners=False)
        X = nn.functional.grid_sample(X, grid, padding_mode="zeros", align_corners=False)
    if pixels := augmentation.crop:
        down = torch.randint(2 * pixels + 1, (n, 1), generator=generator) + torch.arange(size)
        right = torch.randint(2 * pixels + 1, (n, 1), generator=generator) + torch.arange(size)
        X = nn.functional.pad(X, [pixels] * 4)
        X = X.gather(2, down.view(n, 1, size, 1).expand(-1, channels, -1, size + 2 * pixels).to(X.device))
        X = X.gather(3, right.view(n, 1, 1, size).expand(-1, channels, size, -1).to(X.device))
    if share := augmentation.colour:
        brightness = 1 + share * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)
        contrast = 1 + share * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)
        mean = X.mean(dim=(1, 2, 3), keepdim=True)
        X = ((X - mean) * contrast.to(X.device) + mean) * brightness.to(X.device)
    return X


def lines(augmentation: ex.Augmentation) -> list[str]:
    """The script's `augment(X, generator)`, which does the same to the bit. Needs torch and nn."""
    body = []
    if augmentation.flip:
        body += [
            "mirrored = (torch.rand(n, generator=generator) < 0.5).to(X.device)",
            "X = torch.where(mirrored.view(n, 1, 1, 1), X.flip(dims=[3]), X)",
        ]
    if augmentation.rotate:
        body += [
            f"limit = {math.radians(augmentation.rotate)!r}  # {augmentation.rotate:g} degrees in radians",
            "angle = (2 * torch.rand(n, generator=generator) - 1) * limit",
            "cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(n)",
            "turn = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(n, 2, 3).to(X.device)",
            "grid = nn.functional.affine_grid(turn, X.shape, align_corners=False)",
            'X = nn.functional.grid_sample(X, grid, padding_mode="zeros", align_corners=False)',
        ]
    if pixels := augmentation.crop:
        wide = f"size + {2 * pixels}"
        body += [
            f"down = torch.randint({2 * pixels + 1}, (n, 1), generator=generator) + torch.arange(size)",
            f"right = torch.randint({2 * pixels + 1}, (n, 1), generator=generator) + torch.arange(size)",
            f"X = nn.functional.pad(X, [{pixels}] * 4)",
            f"X = X.gather(2, down.view(n, 1, size, 1).expand(-1, channels, -1, {wide}).to(X.device))",
            "X = X.gather(3, right.view(n, 1, 1, size).expand(-1, channels, size, -1).to(X.device))",
        ]
    if share := augmentation.colour:
        body += [
            f"brightness = 1 + {share!r} * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)",
            f"contrast = 1 + {share!r} * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)",
            "mean = X.mean(dim=(1, 2, 3), keepdim=True)",
            "X = ((X - mean) * contrast.to(X.device) + mean) * brightness.to(X.device)",
        ]
    return [
        "def augment(X, generator):",
        '    """Other training pictures in every epoch."""',
        "    n, channels, size = X.shape[:3]" if augmentation.crop else "    n = len(X)",
        *(f"    {line}" for line in body),
        "    return X",
    ]
