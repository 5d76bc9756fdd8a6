"""Step 2: a model that the person writes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.experiment.part import Part

EXAMPLE = '''\
from math import prod

import torch
from torch import nn


class MyModel(nn.Module):
    """Two layers of weights with a ReLU between them. Change it as you like."""

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int, n_tokens: int = 0):
        super().__init__()
        # input_shape: of one row of X, without the number of rows; n_outputs: numbers to predict for each row
        # n_tokens: of texts, how many tokens there are; 0 for other data (a class that needs none leaves it out)
        self.embedding = nn.Embedding(n_tokens, embedding_dim=8, padding_idx=0) if n_tokens else None
        n_features = prod(input_shape) * (8 if n_tokens else 1)
        self.layer_1 = nn.Linear(in_features=n_features, out_features=16)
        self.layer_2 = nn.Linear(in_features=16, out_features=n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.embedding is not None:
            x = self.embedding(x)  # [n, length] -> [n, length, 8]
        x = x.flatten(start_dim=1)  # [n, ...] -> [n, n_features]
        x = torch.relu(self.layer_1(x))
        return self.layer_2(x)  # [n, n_outputs]
'''
"""What the editor begins with."""


class OwnCode(Part, frozen=True, tag_field="kind", tag="own-code"):
    """A class of your own that subclasses nn.Module; the last one in the text is the model.

    It is built with those of `input_shape`, `n_outputs` and `n_tokens` that its __init__ names.
    """

    code: Annotated[
        str, Meta(max_length=200_000, title="Code", description="Python with a class that subclasses nn.Module.")
    ] = EXAMPLE
