"""Step 1: data that is read: tables, folders of pictures and texts, columns over time, Parquet beyond memory."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.part import Part

Path = Annotated[str, Meta(min_length=1, title="File", description="The file or folder; saved in full.")]
Target = Annotated[str | tuple[str, ...], Meta(title="Target", description="The column, or columns, to predict.")]


class Column(Part, frozen=True):
    """How one column of a table is used, where that is not "a number; rows without a value are left out"."""

    name: str
    type: Annotated[
        Literal["number", "category", "yes/no", "date"],
        Meta(title="Type", description="Number; category; yes/no as 1 and 0; date as days since 1970."),
    ] = "number"
    encoding: Annotated[
        Literal["one-hot", "index"],
        Meta(title="Encoding", description="A category as a column of 0 and 1 for each value, or as one index."),
    ] = "one-hot"
    missing: Annotated[
        Literal["drop row", "mean", "median", "most frequent", "constant"],
        Meta(title="Missing", description="What stands for a missing value; found on the training rows alone."),
    ] = "drop row"
    constant: Annotated[str, Meta(title="Constant", description="What stands for a missing value.")] = "0"


class TableFormat(Part, frozen=True):
    """How a table is written. "auto" is found out by looking at the file; what is said here overrules that."""

    separator: Annotated[
        Literal["auto", ",", ";", "\t", "|", " "],
        Meta(title="Separator", description="What stands between two values."),
    ] = "auto"
    encoding: Annotated[
        Literal["auto", "utf8", "cp1252", "latin-1", "utf-16"], Meta(title="Encoding", description="Bytes to text.")
    ] = "auto"
    decimal: Annotated[
        Literal["auto", "point", "comma"], Meta(title="Decimal", description="1.5 or 1,5.")
    ] = "auto"
    header: Annotated[
        Literal["auto", "yes", "no"], Meta(title="Header", description="Whether the first line names the columns.")
    ] = "auto"
    quote: Annotated[
        Literal["auto", '"', "'", "none"], Meta(title="Quotes", description="What stands around whole values.")
    ] = "auto"
    sheet: Annotated[
        str, Meta(title="Sheet", description="Excel: the sheet; .npz, .pt and .safetensors: the array.")
    ] = ""


class Table(Part, frozen=True, tag_field="kind", tag="table"):
    """A table: CSV and friends, Parquet, Excel, NumPy or tensors. Columns to predict, columns to predict them from."""

    path: Path
    target: Target
    features: Annotated[
        tuple[str, ...], Meta(min_length=1, title="Features", description="The columns to predict it from.")
    ]
    columns: tuple[Column, ...] = ()
    """Those that are no plain numbers, or whose missing values are filled."""
    format: TableFormat = TableFormat()

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def column(self, name: str) -> Column:
        """How the column of that name is used."""
        return next((column for column in self.columns if column.name == name), Column(name=name))

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return len(self.targets) == 1 and self.column(self.targets[0]).type in ("category", "yes/no")

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("a table needs a target: name the column to predict")
        for name in self.targets:
            if name in self.features:
                raise ValueError(f"the target {name!r} is also a feature: take it out of the features")
        for names, what in ((self.features, "feature"), (self.targets, "target")):
            if len(set(names)) < len(names):
                raise ValueError(f"a {what} is named twice: name each once")
        if len({column.name for column in self.columns}) < len(self.columns):
            raise ValueError("a column is described twice: describe each once")
        if len(self.targets) > 1:
            for name in self.targets:
                if self.column(name).type == "category":
                    raise ValueError(f"{name!r} is a category: it can only be predicted alone")


class Augmentation(Part, frozen=True):
    """Changes of the training pictures, drawn anew for every epoch."""

    flip: Annotated[bool, Meta(title="Flip", description="Left and right changed, for half of the pictures.")] = False
    rotate: Annotated[
        float, Meta(ge=0, le=180, title="Rotate", description="By up to so many degrees.", extra={"suffix": " °"})
    ] = 0.0
    crop: Annotated[
        int, Meta(ge=0, le=64, title="Crop", description="Moved by up to so many pixels, edges filled with zeros.",
                  extra={"suffix": " px"})
    ] = 0
    colour: Annotated[
        float, Meta(ge=0, le=1, title="Colour", description="Brightness and contrast changed by up to this share.")
    ] = 0.0

    def __bool__(self) -> bool:
        return self != Augmentation()


class Images(Part, frozen=True, tag_field="kind", tag="images"):
    """A folder with a folder of pictures for each class: PNG, JPEG, BMP, WebP, TIFF."""

    path: Path
    size: Annotated[
        int, Meta(ge=4, le=512, title="Size", description="Each picture is made so many pixels wide and high.",
                  extra={"suffix": " px"})
    ] = 32
    colour: Annotated[
        Literal["colour", "grey"], Meta(title="Colour", description="Three channels, or one.")
    ] = "colour"
    augmentation: Augmentation = Augmentation()


class Text(Part, frozen=True, tag_field="kind", tag="text"):
    """A table with a column of text and one of labels, or a folder with a folder of text files for each label."""

    path: Path
    text: Annotated[str, Meta(title="Text column", description="Empty for a folder.")] = ""
    label: Annotated[str, Meta(title="Label column", description="Empty for a folder.")] = ""
    tokens: Annotated[
        Literal["word", "character", "backbone"],
        Meta(title="Tokens", description="What a text is cut into: words, characters, or what a backbone takes."),
    ] = "word"
    tokenizer: Annotated[
        str, Meta(max_length=4096, title="Tokenizer", description="The path of a backbone's folder, which has "
                  "tokenizer.json, or a name on the hub such as google-bert/bert-base-uncased, which is taken from the "
                  "cache.")
    ] = ""  # fmt: skip
    length: Annotated[
        int, Meta(ge=1, le=10_000, title="Length", description="Tokens kept of each text; shorter ones are filled up.")
    ] = 64
    vocabulary: Annotated[
        int, Meta(ge=1, le=1_000_000, title="Vocabulary",
                  description="The most frequent tokens of the training texts that are known.")
    ] = 10_000
    format: TableFormat = TableFormat()


class Sequences(Part, frozen=True, tag_field="kind", tag="sequences"):
    """Columns of a table over time, cut into windows: from `length` rows to the value `horizon` rows later."""

    path: Path
    target: Annotated[str, Meta(min_length=1, title="Target", description="The column to predict.")]
    features: Annotated[
        tuple[str, ...], Meta(min_length=1, title="Features", description="The columns in a window.")
    ]
    length: Annotated[int, Meta(ge=1, le=10_000, title="Length", description="Rows in a window.")] = 24
    horizon: Annotated[int, Meta(ge=1, le=10_000, title="Horizon", description="Rows from a window to its target.")] = 1
    stride: Annotated[int, Meta(ge=1, le=10_000, title="Stride", description="Rows from a window to the next.")] = 1
    format: TableFormat = TableFormat()

    def __post_init__(self) -> None:
        if len(set(self.features)) < len(self.features):
            raise ValueError("a feature is named twice: name each once")


class ParquetStream(Part, frozen=True, tag_field="kind", tag="parquet-stream"):
    """Parquet larger than memory, one file or a folder of parts: trained from disk, batch by batch."""

    path: Path
    target: Annotated[str, Meta(min_length=1, title="Target", description="The column of numbers to predict.")]
    features: Annotated[
        tuple[str, ...], Meta(min_length=1, title="Features", description="The columns of numbers to predict it from.")
    ]
    batch_size: Annotated[int, Meta(ge=1, le=10_000_000, title="Batch size", description="Rows in a step.")] = 1024
    buffer: Annotated[
        int, Meta(ge=1, le=1_000_000, title="Buffer", description="Memory for rows that are mixed.",
                  extra={"suffix": " MB"})
    ] = 64
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, title="Shuffle seed", description="Decides the order of rows in each epoch.")
    ] = 42

    def __post_init__(self) -> None:
        if self.target in self.features:
            raise ValueError(f"the target {self.target!r} is also a feature: take it out of the features")
        if len(set(self.features)) < len(self.features):
            raise ValueError("a feature is named twice: name each once")
