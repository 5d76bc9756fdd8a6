"""Trains the models in resources/models with Sixstep itself: `python tools/train_models.py`. It takes half a minute.

They know the ten digits of scikit-learn's set. The pictures in resources/data/even-and-odd are test rows of theirs:
the preset even-odd-transfer puts another question to what digits-cnn has learned.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine import experiment as ex
from engine.evaluate import score
from engine.files import atomic_write
from engine.model_file import save_model
from engine.pretrained.shipped import MODELS, ShippedModel
from engine.session import Session

SPLIT = ex.Split(train=70, validation=15, method="stratified", seed=42)
DIGITS = ex.Bundled(name="digits")


def mlp() -> ex.Sequential:
    """64 pixels, 64 units, a number for each class."""
    return ex.Sequential(layers=(ex.layers.Flatten(), ex.layers.Linear(out_features=64), ex.layers.ReLU(),
                                 ex.layers.Linear()))  # fmt: skip


def cnn() -> ex.Sequential:
    """Two blocks of convolution, normalisation and pooling, and a head."""
    block = (ex.layers.BatchNorm2d(), ex.layers.ReLU(), ex.layers.MaxPool2d(kernel_size=(2,)))
    first, second = (ex.layers.Conv2d(out_channels=channels, kernel_size=(3,), padding=(1,)) for channels in (16, 32))
    return ex.Sequential(layers=(first, *block, second, *block, ex.layers.Flatten(), ex.layers.Linear()))


def fitted(model: ex.Sequential) -> Session:
    """A session that has done all its epochs."""
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.01), epochs=100, seed=42)
    session = Session(ex.Experiment(data=ex.Data(source=DIGITS, split=SPLIT), model=model, fit=fit))
    session.advance()
    return session


def described(name: str, title: str, session: Session) -> ShippedModel:
    """What models.toml says of a model."""
    preparation = session.preparation
    accuracy = round(score(session).test["accuracy"], 4)
    print(f"{name}: {100 * accuracy:.2f} % of the test rows, {sum(p.numel() for p in session.model.parameters()):,} "
          "parameters")  # fmt: skip
    return ShippedModel(name, title, preparation.input_shape, preparation.classes, accuracy)


def main() -> None:
    """Train all, write their files and models.toml."""
    MODELS.mkdir(exist_ok=True)
    models = []
    for name, title, model in (
        ("digits-mlp", "Two Linear layers that know the ten digits", mlp()),
        ("digits-cnn", "Two convolutions that know the ten digits", cnn()),
    ):
        session = fitted(model)
        save_model(MODELS / f"{name}.pt", session)
        models.append(described(name, title, session))
    content = msgspec.toml.encode({"models": models})
    atomic_write(MODELS / "models.toml", b"# Written by tools/train_models.py.\n" + content)


if __name__ == "__main__":
    main()
