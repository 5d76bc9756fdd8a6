"""Tiny backbones of the Hugging Face hub, made here with random weights, and pictures to train a head on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import experiment as ex

transformers = pytest.importorskip("transformers", reason="the extra hub (transformers) is not installed")
transformers.logging.disable_progress_bar()
NORMALISATION = '{"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.25], "do_normalize": true}'
RESNET = {"num_channels": 3, "embedding_size": 4, "hidden_sizes": [4, 6], "depths": [1, 1], "layer_type": "basic"}
VIT = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
       "image_size": 16, "patch_size": 8, "hidden_dropout_prob": 0.1}  # fmt: skip


def backbone(folder: Path, kind: str = "resnet") -> Path:
    """A folder with config.json and model.safetensors."""
    torch.manual_seed(3)
    match kind:
        case "resnet":
            model = transformers.ResNetModel(transformers.ResNetConfig(**RESNET))
            model.train()
            with torch.no_grad():
                model(torch.rand(8, 3, 16, 16))  # the statistics of its BatchNorms are no longer the first ones
        case "vit":
            model = transformers.ViTModel(transformers.ViTConfig(**VIT))
        case "vit without a pooler":
            model = transformers.ViTModel(transformers.ViTConfig(**VIT), add_pooling_layer=False)
        case "masked autoencoder":
            model = transformers.ViTMAEModel(transformers.ViTMAEConfig(**VIT))
        case "classifier in halves":
            config = transformers.ResNetConfig(**RESNET | {"num_labels": 5})
            model = transformers.ResNetForImageClassification(config).half()
        case "bert":
            model = transformers.BertModel(
                transformers.BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
            )
    model.save_pretrained(folder)
    return folder


def pictures(folder: Path, mode: str = "RGB", size: int = 12) -> ex.Images:
    """Two classes of 12 pictures, the second one brighter."""
    generator = np.random.default_rng(5)
    for number, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        for i in range(12):
            values = generator.integers(80 * number, 80 * number + 176, (size, size, 3), dtype=np.uint8)
            Image.fromarray(values).convert(mode).save(folder / name / f"{i}.png")
    return ex.Images(path=str(folder), size=size, colour="colour" if mode == "RGB" else "grey")


def experiment(source: ex.Images, folder: Path | str, epochs: int = 3, **changes: object) -> ex.Experiment:
    """A head on the backbone in `folder`, for these pictures."""
    model = ex.Backbone(folder=str(folder), **changes)
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.05), epochs=epochs)
    return ex.Experiment(ex.Data(source=source, split=ex.Split(method="random")), model, fit)
