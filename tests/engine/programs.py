"""Small networks as a person has them, exported with torch.export in the test."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from engine import experiment as ex


class Residual(nn.Module):
    """Convolutions, BatchNorms and a way around them, for digits; its ReLU changes what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.conv, self.norm = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.GroupNorm(2, 6)
        self.fc = nn.Linear(6, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = torch.relu(x + self.norm(self.conv(x)))
        return self.fc(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Attention(nn.Module):
    """Tokens, a position for each, a transformer, a Softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 8, padding_idx=0)
        self.place = nn.Parameter(torch.randn(1, 6, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.register_buffer("scale", torch.tensor(0.5), persistent=False)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.embed(x) * self.scale + self.place
        return torch.softmax(self.fc(self.encoder(hidden).mean(dim=1)), dim=1)


class Recurrent(nn.Module):
    """An LSTM of two layers in both directions, a GRU, then the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 4, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 5, batch_first=True)
        self.fc = nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.gru(self.lstm(x)[0])[0][:, -1])


class NoLinear(nn.Module):
    """Ends in a picture, without a Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.conv(x))


def network(kind: str) -> tuple[nn.Module, torch.Tensor]:
    """A network, judged and with random weights, and rows that it takes."""
    torch.manual_seed(7)
    match kind:
        case "residual":
            module, X = Residual(), torch.rand(4, 1, 8, 8)
            module(torch.rand(32, 1, 8, 8))  # the statistics of its BatchNorm are no longer the first ones
        case "attention":
            module, X = Attention(), torch.randint(0, 40, (4, 6))
        case "recurrent":
            module, X = Recurrent(), torch.rand(4, 5, 2)
        case "no-linear":
            module, X = NoLinear(), torch.rand(4, 1, 8, 8)
        case _:
            layers = (nn.Linear(2, 8), nn.Tanh(), nn.Dropout(), nn.BatchNorm1d(8), nn.Linear(8, 3))
            module, X = nn.Sequential(*layers), torch.rand(4, 2)
    return module.eval(), X


def export(
    folder: Path, kind: str, fixed: bool = False, decomposed: bool = False, module: nn.Module | None = None
) -> Path:
    """The .pt2 of a network, for any number of rows or for four at a time."""
    made, X = network(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch itself: flat weights of an LSTM, treespecs
        dynamic = None if fixed else ({0: torch.export.Dim.DYNAMIC},)
        program = torch.export.export(module or made, (X,), dynamic_shapes=dynamic)
        if decomposed:
            program = program.run_decompositions()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{kind}.pt2"
        torch.export.save(program, path)
    return path


def points(path: Path, epochs: int = 3, **changes: object) -> ex.Experiment:
    """Three classes in the plane, for the network "layers"."""
    data = ex.Data(source=ex.Blobs(samples=60, classes=3, features=2), split=ex.Split(method="random"))
    return ex.Experiment(data, ex.Exported(path=str(path), **changes), _fit(epochs))


def digits(path: Path, epochs: int = 2, **changes: object) -> ex.Experiment:
    """Pictures of digits, for the networks that take pictures."""
    data = ex.Data(source=ex.Bundled(name="digits"), split=ex.Split(method="stratified"))
    return ex.Experiment(data, ex.Exported(path=str(path), **changes), _fit(epochs))


def _fit(epochs: int) -> ex.Fit:
    return ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.02), epochs=epochs)
