# mypy: disable-error-code="override"
"""Step 2: the modules of a Sequential for texts, which leave out what only fills up short ones; shown in the script.

`filling` is bool [n, length], True where there is no word; the first step of a text always counts. Where a layer of
torch stands behind one, it is its base class: the names in the state_dict stay torch's own.
"""

from __future__ import annotations

import torch
from torch import nn


class MaskedSequential(nn.Sequential):
    """Tokens int64 [n, length], of which 0 fills up short texts: the layers that can leave filling out are told."""

    def forward(self, x: torch.Tensor, filling: torch.Tensor | None = None) -> torch.Tensor:
        if filling is None:
            filling = x == 0  # [n, length]
            filling[:, 0] = False  # a text without a word has this step at least: no mean of nothing
        for layer in self:
            x = layer(x, filling) if hasattr(layer, "takes_filling") else layer(x)
        return x


class MaskedResidual(nn.Module):
    """What comes in (projected, where shapes differ) plus what the layers make of it; they are told of the filling."""

    takes_filling = True

    def __init__(self, *layers: nn.Module, projection: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = MaskedSequential(*layers)
        self.projection = nn.Identity() if projection is None else projection

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.projection(x) + self.layers(x, filling)
        return y


class MaskedRNN(nn.RNN):
    """What an RNN gives after each word; backwards it begins at the last word, not in the filling."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        n_words = (~filling).sum(dim=1).cpu()
        words = nn.utils.rnn.pack_padded_sequence(x, n_words, batch_first=True, enforce_sorted=False)
        y = super().forward(words)[0]
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


class MaskedLSTM(nn.LSTM):
    """What an LSTM gives after each word; backwards it begins at the last word, not in the filling."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        n_words = (~filling).sum(dim=1).cpu()
        words = nn.utils.rnn.pack_padded_sequence(x, n_words, batch_first=True, enforce_sorted=False)
        y = super().forward(words)[0]
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


class MaskedGRU(nn.GRU):
    """What a GRU gives after each word; backwards it begins at the last word, not in the filling."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        n_words = (~filling).sum(dim=1).cpu()
        words = nn.utils.rnn.pack_padded_sequence(x, n_words, batch_first=True, enforce_sorted=False)
        y = super().forward(words)[0]
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


class MaskedSelfAttention(nn.MultiheadAttention):
    """Every step looks at all the words of its text: [n, length, embed_dim] to the same shape."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        return super().forward(x, x, x, key_padding_mask=filling, need_weights=False)[0]


class MaskedEncoderLayer(nn.TransformerEncoderLayer):
    """torch's layer, in which every step looks at all the words of its text."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        return super().forward(x, src_key_padding_mask=filling)


class MaskedLastStep(nn.Module):
    """The last word alone: [n, length, features] to [n, features]."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        n_words = (~filling).sum(dim=1)
        return x[torch.arange(len(x), device=x.device), n_words - 1]


class MaskedMeanOverTime(nn.Module):
    """The mean of all words: [n, length, features] to [n, features]."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        n_words = (~filling).sum(dim=1, keepdim=True)
        return x.masked_fill(filling.unsqueeze(dim=2), 0).sum(dim=1) / n_words


class MaskedMaxOverTime(nn.Module):
    """The largest value of all words: [n, length, features] to [n, features]."""

    takes_filling = True

    def forward(self, x: torch.Tensor, filling: torch.Tensor) -> torch.Tensor:
        return x.masked_fill(filling.unsqueeze(dim=2), -torch.inf).amax(dim=1)
