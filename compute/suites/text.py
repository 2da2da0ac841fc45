"""Where the windows of a suite of published models come from."""

from dataclasses import dataclass
from pathlib import Path

#: Bytes of text that are looked at, and windows that they are cut into, at most: many more than
#: are drawn, so that windows drawn twice are rare.
MOST_TEXT_BYTES = 600_000_000
MOST_WINDOWS = 65_536


@dataclass(frozen=True)
class StreamText:
    """The very tokens that the models were trained on, in their order.

    Attributes:
        address: of its token files: a dataset on the hub, a web address or a folder.
        shards: files it is divided into.
        label: what a reader should call it.
    """

    address: str
    shards: int
    label: str


@dataclass(frozen=True)
class DatasetText:
    """Files of a dataset on the hub, which stand in for the training text.

    Attributes:
        name: ``ORG/NAME``.
        revision: branch, tag or commit.
        files: patterns of their names; empty for whatever looks like training text.
        field: column or field that holds the text.
    """

    name: str
    revision: str = "main"
    files: tuple[str, ...] = ()
    field: str = "text"

    @property
    def label(self) -> str:
        """What a reader should call it."""
        return self.name


@dataclass(frozen=True)
class FolderText:
    """Text on disk, which stands in for the training text."""

    path: Path
    field: str = "text"

    @property
    def label(self) -> str:
        """What a reader should call it."""
        return self.path.resolve().name


Text = StreamText | DatasetText | FolderText
