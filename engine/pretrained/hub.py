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
from engine.models.backbone import Backbone
from engine.models.inputs import Inputs
from engine.pickle_notes import shown
from engine.pretrained.hub_folder import NOT_INSTALLED, HubFolder, look

LOAD = {
    "local_files_only": True, "use_safetensors": True, "trust_remote_code": False,
    "ignore_mismatched_sizes": True,  # looked at below
    "attn_implementation": "eager",  # else a config may name one that is fetched; and all models have this one
}  # fmt: skip


def build_backbone(model: ex.Backbone, inputs: Inputs, n_outputs: int) -> nn.Module:
    """The module for `model`: X [n, channels, height, width] of 0 to 1 to y_pred [n, n_outputs] float32.

    The head's weights come from torch's global generator, all others from the folder. Raises InputError.
    """
    if len(inputs.shape) != 3 or inputs.n_tokens:
        what = "tokens" if inputs.n_tokens else f"rows of shape {list(inputs.shape)}"
        raise InputError(
            f"A backbone takes pictures, the data has {what}: choose pictures in step 1, or another model in step 2 "
            "(text backbones take tokens of their own and are not there yet)."
        )
    transformers = _transformers()
    folder = look(model)
    backbone = _load(transformers, folder, pooled=model.pooling == "auto")
    try:
        built = Backbone(backbone, inputs.shape, n_outputs, model.pooling, folder.mean, folder.std)
    except Exception as error:  # of hundreds of models, each with its own ways to say what it does not take
        raise InputError(
            f"The backbone {folder.name} does not go with pictures of {' × '.join(map(str, inputs.shape))} "
            f"({_short(error)}): choose another, or another pooling, in step 2, or other pictures in step 1."
        ) from None
    if _draws(built, inputs):
        raise InputError(
            f"The backbone {folder.name} draws random numbers also while it is judged, so no two looks at a picture "
            "are the same: choose another in step 2."
        )
    if model.frozen:
        built.backbone.requires_grad_(False)
    return built


def _draws(built: Backbone, inputs: Inputs) -> bool:
    """Whether it draws from torch's global generator in eval mode, as a masked autoencoder does."""
    before = torch.get_rng_state()
    with torch.no_grad():
        built.features(torch.zeros(1, *inputs.shape))
    return not torch.equal(before, torch.get_rng_state())


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


def _load(transformers: Any, folder: HubFolder, pooled: bool) -> nn.Module:
    try:
        config = transformers.AutoConfig.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
        backbone, info = transformers.AutoModel.from_pretrained(
            folder.path, config=config, dtype=torch.float32, output_loading_info=True, **LOAD
        )
    except Exception as error:  # what a config or a damaged file can do to hundreds of models
        raise InputError(f"The backbone {folder.name} cannot be loaded ({_short(error)}): take another copy.") from None
    if backbone.main_input_name != "pixel_values":
        raise InputError(
            f"The backbone {folder.name} ({config.model_type}) does not take pictures: choose one that does in step 2; "
            "text backbones take tokens of their own and are not there yet."
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
