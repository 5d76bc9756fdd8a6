"""Step 2 of the script: a backbone out of a folder of the Hugging Face hub, and its head."""

from __future__ import annotations

from engine import experiment as ex
from engine.errors import InputError
from engine.pretrained.hub_folder import look
from engine.script.sources import class_lines


def backbone_lines(model: ex.Backbone, input_shape: str, outputs: str) -> tuple[list[str], list[str]]:
    """The lines that define the class, and those that load the backbone and put the head on it."""
    said = [f"backbone, {input_shape}, n_outputs={outputs}, pooling={model.pooling!r}"]
    try:
        folder = look(model)
    except InputError as error:
        said.append(f"# {error}")
    else:
        if any(folder.mean) or set(folder.std) != {1.0}:
            said += [f"mean={folder.mean!r}", f"std={folder.std!r}"]
    return class_lines("backbone")["Backbone"], [
        "backbone = AutoModel.from_pretrained(  # from the disk: nothing is fetched, nothing in it is run",
        f"    {model.folder!r},",
        "    dtype=torch.float32,",
        "    local_files_only=True,",
        "    use_safetensors=True,",
        "    trust_remote_code=False,",
        '    attn_implementation="eager",',
        ")",
        "model = Backbone(",
        *(f"    {line}" if line.startswith("#") else f"    {line}," for line in said),
        ")",
        *(["model.backbone.requires_grad_(False)  # it keeps its weights"] if model.frozen else []),
    ]
