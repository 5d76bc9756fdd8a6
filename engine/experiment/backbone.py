"""Step 2: a pretrained backbone from the Hugging Face hub."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.hub import is_path
from engine.experiment.part import Part


class Backbone(Part, frozen=True, tag_field="kind", tag="backbone"):
    """A pretrained model of pictures or texts from the Hugging Face hub, and one nn.Linear on what it makes of them."""

    folder: Annotated[
        str, Meta(max_length=4096, title="Backbone", description="The path of a folder with config.json and "
                  "model.safetensors, or a name on the hub such as microsoft/resnet-18, which is taken from the cache.")
    ] = ""  # fmt: skip
    frozen: Annotated[
        bool, Meta(title="Frozen", description="The backbone keeps its weights and its statistics; the head alone "
                   "learns.")
    ] = True  # fmt: skip
    pooling: Annotated[
        Literal["auto", "mean", "first token", "last token"],
        Meta(title="Pooling", description="What stands for a picture or a text: what the backbone itself makes of it "
             "(auto; where that is nothing, the mean), the mean over all places, or one token."),
    ] = "auto"  # fmt: skip

    @property
    def is_path(self) -> bool:
        """Whether `folder` is a path, not a name on the hub."""
        return is_path(self.folder)
