# mypy: disable-error-code="operator, union-attr, no-any-return"
"""Step 2: pretrained backbones with a head, of pictures and of texts; shown in the script as they stand."""

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
        if self.pooling == "last token":
            raise ValueError("a picture has no last token")
        return places[:, 0] if self.pooling == "first token" else places.mean(dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


class TextBackbone(nn.Module):
    """A pretrained model of texts, and a Linear on what it makes of them: X [n, length] to y_pred [n, n_outputs].

    In X 0 fills up a text at its end, i + 1 is token i. Of a model with an encoder and a decoder the encoder is taken.
    """

    def __init__(self, backbone: nn.Module, n_outputs: int, pooling: str = "auto") -> None:
        super().__init__()
        self.backbone = backbone.get_encoder() if backbone.config.is_encoder_decoder else backbone
        self.backbone.config.use_cache = False  # it is for writing on, which is not done here
        self.pooling = pooling
        with torch.no_grad():  # in eval mode, as it was loaded
            n_features = self.features(torch.ones(1, 1, dtype=torch.int64)).shape[1]
        self.head = nn.Linear(n_features, n_outputs)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        filling = getattr(self.backbone.config, "pad_token_id", None) or 0
        ids = torch.where(x > 0, x - 1, max(filling, 0))
        mask = (x > 0).long()
        mask[:, 0] = 1  # something of an empty text has to be looked at
        out = self.backbone(input_ids=ids, attention_mask=mask)
        if self.pooling == "auto" and getattr(out, "pooler_output", None) is not None:
            return out.pooler_output
        places = out.last_hidden_state  # [n, length, features]
        lengths = mask.sum(dim=1)
        if self.pooling == "first token":
            return places[:, 0]
        if self.pooling == "last token":
            return places[torch.arange(len(x), device=x.device), lengths - 1]
        return (places * mask.unsqueeze(dim=-1)).sum(dim=1) / lengths.unsqueeze(dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))
