"""Step 2: backbones of the Hugging Face hub, loaded by the transformers library: from this machine's disk alone.

transformers is an extra: it is imported when a backbone is used, and not before. Nothing of a file is run: weights are
safetensors, a config names one of the models that transformers itself has, code beside it is refused.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.models.backbone import Backbone, TextBackbone
from engine.models.inputs import Inputs
from engine.pickle_notes import shown
from engine.pretrained.hub_folder import NOT_INSTALLED, HubFolder, look
from engine.pretrained.hub_tokenizer import TOKENIZER, fingerprint, own_tokens_wanted, read_tokenizer

LOAD = {
    "local_files_only": True, "use_safetensors": True, "trust_remote_code": False,
    "ignore_mismatched_sizes": True,  # looked at below
    "attn_implementation": "eager",  # else a config may name one that is fetched; and all models have this one
}  # fmt: skip


def build_backbone(model: ex.Backbone, inputs: Inputs, n_outputs: int) -> nn.Module:
    """The module for `model`, to y_pred [n, n_outputs] float32: of X [n, channels, height, width] of 0 to 1, or of the
    backbone's own tokens, X int64 [n, length], where 0 is filling and i + 1 is token i.

    The head's weights come from torch's global generator, all others from the folder. Raises InputError.
    """
    if len(inputs.shape) != 3 and not inputs.n_tokens:
        raise InputError(
            f"A backbone takes pictures or texts, the data has rows of shape {list(inputs.shape)}: choose pictures or "
            "texts in step 1, or another model in step 2."
        )
    transformers = _transformers()
    folder = look(model)
    what = "texts" if inputs.n_tokens else "pictures"
    backbone = _load(transformers, folder, what, pooled=model.pooling == "auto")
    built = _of_texts(model, backbone, folder, inputs, n_outputs) if inputs.n_tokens else (
        _of_pictures(model, backbone, folder, inputs, n_outputs)
    )  # fmt: skip
    if model.frozen:
        built.backbone.requires_grad_(False)
    return built


def _of_pictures(
    model: ex.Backbone, backbone: nn.Module, folder: HubFolder, inputs: Inputs, n_outputs: int
) -> Backbone:
    try:
        built = Backbone(backbone, inputs.shape, n_outputs, model.pooling, folder.mean, folder.std)
    except Exception as error:  # of hundreds of models, each with its own ways to say what it does not take
        raise InputError(
            f"The backbone {folder.name} does not go with pictures of {' × '.join(map(str, inputs.shape))} "
            f"({_short(error)}): choose another, or another pooling, in step 2, or other pictures in step 1."
        ) from None
    if _draws(built, torch.zeros(1, *inputs.shape)):
        raise _restless(folder)
    return built


def _of_texts(
    model: ex.Backbone, backbone: nn.Module, folder: HubFolder, inputs: Inputs, n_outputs: int
) -> TextBackbone:
    (length,) = inputs.shape
    _check_tokens(model, backbone, folder, inputs)
    longest = getattr(backbone.config, "max_position_embeddings", None)
    if isinstance(longest, int) and 0 < longest < length:
        raise InputError(
            f"The backbone {folder.name} takes texts of up to {longest:,} tokens, here they have {length:,}: choose a "
            "smaller length in step 1."
        )
    trial = torch.tensor([[inputs.n_tokens - 1], [0]]).repeat(1, length)  # a full text, and an empty one
    try:
        built = TextBackbone(backbone, n_outputs, model.pooling)
        draws = _draws(built, trial)
    except Exception as error:
        raise InputError(
            f"The backbone {folder.name} does not go with texts of {length:,} tokens ({_short(error)}): choose a "
            "smaller length in step 1, or another backbone in step 2."
        ) from None
    if draws:
        raise _restless(folder)
    return built


def _check_tokens(model: ex.Backbone, backbone: Any, folder: HubFolder, inputs: Inputs) -> None:
    """Raise InputError where the tokens are not those that the backbone has learned with."""
    if not inputs.tokenizer:
        raise InputError(own_tokens_wanted(model.folder))
    file = folder.path / TOKENIZER
    if file.is_file() and fingerprint(read_tokenizer(file, folder.name)) != inputs.tokenizer:
        raise InputError(
            f"The backbone {folder.name} has another {TOKENIZER} than the one that made the tokens: take its folder as "
            "the tokenizer in step 1, or put back the one that was there."
        )
    n_tokens = inputs.n_tokens - 1
    n_known = getattr(backbone.get_input_embeddings(), "num_embeddings", n_tokens)
    if n_tokens > n_known:
        raise InputError(
            f"The tokenizer has {n_tokens:,} tokens, the backbone {folder.name} knows {n_known:,}: choose another "
            "backbone in step 2, or its tokenizer in step 1."
        )


def _draws(built: Backbone | TextBackbone, X: torch.Tensor) -> bool:
    """Whether it draws from torch's global generator in eval mode, as a masked autoencoder does."""
    before = torch.get_rng_state()
    with torch.no_grad():
        built.features(X)
    return not torch.equal(before, torch.get_rng_state())


def _restless(folder: HubFolder) -> InputError:
    return InputError(
        f"The backbone {folder.name} draws random numbers also while it is judged, so no two looks at a picture or a "
        "text are the same: choose another in step 2."
    )


def backbone_words(built: nn.Module) -> tuple[str, ...]:
    """What a person should know of a module that `build_backbone` made: its parts, what of them learns."""
    backbone, head = built.get_submodule("backbone"), built.get_submodule("head")
    parameters = list(backbone.parameters())
    n, learns = sum(each.numel() for each in parameters), any(each.requires_grad for each in parameters)
    what = "which learn too" if learns else "frozen"
    return f"{type(backbone).__name__}: {n:,} parameters, {what}", f"Head: {head}"


def _transformers() -> Any:
    """The library, told to stay off the network and off the terminal. Raises InputError where it is not installed."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # its libraries look at this when they are imported
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import transformers
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    return transformers


TAKES = {"pictures": "pixel_values", "texts": "input_ids"}


def _load(transformers: Any, folder: HubFolder, what: str, pooled: bool) -> nn.Module:
    try:
        config = transformers.AutoConfig.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
        backbone, info = transformers.AutoModel.from_pretrained(
            folder.path, config=config, dtype=torch.float32, output_loading_info=True, **LOAD
        )
    except Exception as error:  # what a config or a damaged file can do to hundreds of models
        raise InputError(f"The backbone {folder.name} cannot be loaded ({_short(error)}): take another copy.") from None
    if backbone.main_input_name != TAKES[what]:
        takes = next((word for word, name in TAKES.items() if name == backbone.main_input_name), "")
        remedy = f", or {takes} in step 1" if takes else ""
        raise InputError(
            f"The backbone {folder.name} ({shown(config.model_type, 60)}) does not take {what}: choose one that does "
            f"in step 2{remedy}."
        )
    if info["mismatched_keys"]:
        key = shown(min(info["mismatched_keys"])[0], 100)
        raise InputError(f"The backbone {folder.name}, config.json: {key} has another shape there; take another copy.")
    missing = sorted(key for key in info["missing_keys"] if pooled or not key.startswith("pooler."))
    if missing:
        pooler = all(key.startswith("pooler.") for key in missing)
        remedy = 'choose the pooling "mean" or "first token" in step 2' if pooler else "take another copy"
        raise InputError(
            f"The backbone {folder.name} lacks {len(missing)} of its weights ({shown(missing[0], 100)}), which would "
            f"be drawn at random: {remedy}."
        )
    return backbone  # type: ignore[no-any-return]


def _short(error: Exception) -> str:
    """The first line of a library's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return (line if len(line) <= 120 else f"{line[:119]}…").rstrip(".: ")
