# mypy: disable-error-code="operator, no-any-return"
"""Step 2: a pretrained backbone with a head, shown in the script as it stands."""

from __future__ import annotations

import torch
from torch import nn


class Backbone(nn.Module):
    """A pretrained model of pictures, and a Linear on what it makes of them: X [n, channels, height, width] to
    y_pred [n, n_outputs].

    Pictures are 0 to 1. A single channel is repeated where the backbone takes more, they are resized where its config
    names an image_size, then comes (x - mean) / std, a number for each channel.
    """

    def __init__(
        self,
        backbone: nn.Module,
        input_shape: tuple[int, ...],
        n_outputs: int,
        pooling: str = "auto",
        mean: tuple[float, ...] = (0.0,),
        std: tuple[float, ...] = (1.0,),
    ) -> None:
        super().__init__()
        self.backbone, self.pooling = backbone, pooling
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1), persistent=False)
        with torch.no_grad():  # in eval mode, as it was loaded
            n_features = self.features(torch.zeros(1, *input_shape)).shape[1]
        self.head = nn.Linear(n_features, n_outputs)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        config = self.backbone.config
        if x.shape[1] == 1:
            x = x.expand(-1, getattr(config, "num_channels", 3), -1, -1)
        size = getattr(config, "image_size", None)
        if size is not None:
            size = (size, size) if isinstance(size, int) else tuple(size)
            x = nn.functional.interpolate(x, size=size, mode="bilinear", antialias=True)
        out = self.backbone(pixel_values=(x - self.mean) / self.std)
        if self.pooling == "auto" and getattr(out, "pooler_output", None) is not None:
            return out.pooler_output.flatten(start_dim=1)
        places = out.last_hidden_state  # [n, places, features], or a map [n, features, height, width]
        if places.ndim == 4:
            if self.pooling == "first token":
                raise ValueError("it makes a map, which has no tokens")
            places = places.flatten(start_dim=2).transpose(1, 2)
        return places[:, 0] if self.pooling == "first token" else places.mean(dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))
