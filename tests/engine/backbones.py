"""Tiny backbones of the Hugging Face hub, made here with random weights, and pictures and texts to train a head on."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import experiment as ex

transformers = pytest.importorskip("transformers", reason="the extra hub (transformers) is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="the extra hub (transformers) is not installed")
Tokenizer = tokenizers.Tokenizer
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


def experiment(source: ex.Images | ex.Text, folder: Path | str, epochs: int = 3, **changes: object) -> ex.Experiment:
    """A head on the backbone in `folder`, for these pictures or texts."""
    model = ex.Backbone(folder=str(folder), **changes)
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.05), epochs=epochs)
    return ex.Experiment(ex.Data(source=source, split=ex.Split(method="random")), model, fit)


# ------------------------------------------------------------------------------------------------------- texts

WORDS = ["film", "plot", "the", "a", "was", "and", "great", "fun", "awful", "boring", "##ly", "##s", "!", "."]
SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
         "max_position_embeddings": 24}  # fmt: skip


def word_pieces() -> Tokenizer:
    """A tokenizer as BERT has it: [CLS] and [SEP] around each text."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    made = Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.add_special_tokens(special)
    made.enable_padding(pad_id=0, pad_token="[PAD]", length=9)  # such files are about: it must not matter
    made.enable_truncation(5, direction="left")
    return made


def byte_pairs() -> Tokenizer:
    """A tokenizer as GPT-2 has it: bytes and pairs of them, nothing around a text."""
    made = Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=270, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([" ".join(WORDS)], trainer)
    return made


def text_backbone(folder: Path, kind: str = "bert") -> Path:
    """A folder with config.json, model.safetensors and tokenizer.json."""
    torch.manual_seed(3)
    tokenizer = byte_pairs() if kind == "gpt2" else word_pieces()
    size = {"vocab_size": tokenizer.get_vocab_size()}
    match kind:
        case "bert":
            model = transformers.BertModel(transformers.BertConfig(**SMALL, **size))
        case "bert without a pooler":
            model = transformers.BertModel(transformers.BertConfig(**SMALL, **size), add_pooling_layer=False)
        case "distilbert":
            sizes = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "max_position_embeddings": 24}
            model = transformers.DistilBertModel(transformers.DistilBertConfig(**sizes, **size))
        case "roberta":
            model = transformers.RobertaModel(transformers.RobertaConfig(**SMALL, **size, pad_token_id=0))
        case "gpt2":
            sizes = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 24}
            model = transformers.GPT2Model(transformers.GPT2Config(**sizes, **size))
        case "t5":
            sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2}
            model = transformers.T5Model(transformers.T5Config(**sizes, **size))
        case "bart":
            sizes = {f"{side}_{name}": value for side in ("encoder", "decoder")
                     for name, value in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 16))}  # fmt: skip
            config = transformers.BartConfig(**sizes, **size, d_model=8, max_position_embeddings=24)
            model = transformers.BartModel(config)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def texts(file: Path) -> Path:
    """Two classes of 12 texts in a table, of one to nine words; some are longer than 6 tokens."""
    draw = random.Random(4)
    lines = ["review,opinion"]
    for number in range(24):
        words = ("great", "fun") if number % 2 else ("awful", "boring")
        drawn = draw.choices([*words, "the", "plot", "films", "Was", "unheard-of"], k=draw.randrange(1, 10))
        lines.append(f"{' '.join(drawn)},{'good' if number % 2 else 'bad'}")
    file.write_text("\n".join(lines) + "\n")
    return file


def text_source(file: Path, tokenizer: Path | str = "", length: int = 6) -> ex.Text:
    """The texts of `texts`, as the tokens of the backbone in that folder; without one as words."""
    tokens = "backbone" if tokenizer else "word"
    return ex.Text(
        path=str(file), text="review", label="opinion", tokens=tokens, tokenizer=str(tokenizer), length=length
    )
