"""Step 2 of the script: a backbone out of a folder of the Hugging Face hub, and its head."""

from __future__ import annotations

from textwrap import wrap

from engine import experiment as ex
from engine.errors import InputError
from engine.pretrained.hub_folder import look
from engine.script.sources import class_lines

WIDEST_LINE = 100


def backbone_lines(
    model: ex.Backbone, input_shape: str, outputs: str, of_texts: bool
) -> tuple[list[str], list[str]]:
    """The lines that define the class, and those that load the backbone and put the head on it."""
    name = "TextBackbone" if of_texts else "Backbone"
    arguments, why = ["backbone", *([] if of_texts else [input_shape]), f"n_outputs={outputs}"], ""
    if model.pooling != "auto":
        arguments.append(f'pooling="{model.pooling}"')
    try:
        folder = look(model)
    except InputError as error:
        why = str(error)
    else:
        if folder.normalises and not of_texts:
            arguments += [f"mean={folder.mean!r}", f"std={folder.std!r}"]
    build = [f"model = {name}({', '.join(arguments)})"]
    if len(build[0]) > WIDEST_LINE:
        build = [f"model = {name}(", *(f"    {argument}," for argument in arguments), ")"]
    return class_lines("backbone")[name], [
        *(f"# {line}" for line in wrap(why, WIDEST_LINE)),
        "backbone = AutoModel.from_pretrained(  # from the disk: nothing is fetched, nothing in it is run",
        f"    {model.folder!r},",
        "    dtype=torch.float32,",
        "    local_files_only=True,",
        "    use_safetensors=True,",
        "    trust_remote_code=False,",
        '    attn_implementation="eager",',
        ")",
        *build,
        *(["model.backbone.requires_grad_(False)  # it keeps its weights"] if model.frozen else []),
    ]
