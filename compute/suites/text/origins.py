"""Sources of the windows of a suite of published models."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from compute.suites.text.corpora.corpus import Corpus, load_corpus

#: Of the order of documents and windows, and bytes of text that are held out.
SEED = 1
HELDOUT_BYTES = 16_000_000

#: Bytes of text that are looked at, and windows that they are cut into, at most: many more than
#: are drawn, so that windows drawn twice are rare.
MOST_TEXT_BYTES = 600_000_000
MOST_WINDOWS = 65_536


@dataclass(frozen=True)
class StreamText:
    """The exact tokens that the models were trained on, in their order.

    Attributes:
        address: of its token files: a dataset on the hub, a web address or a folder.
        shards: number of files.
        label: for reports.
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
        """The name for reports."""
        return self.name


@dataclass(frozen=True)
class FolderText:
    """Text on disk, which stands in for the training text."""

    path: Path
    field: str = "text"

    @property
    def label(self) -> str:
        """The name for reports."""
        return self.path.resolve().name

    @cached_property
    def corpus(self) -> Corpus:
        """The documents, read once: up to half a gigabyte, until ``forget`` is called.

        Raises:
            InputError: they cannot be read, or are too short.
        """
        return load_corpus(
            self.path, HELDOUT_BYTES, SEED, field=self.field, most_bytes=MOST_TEXT_BYTES
        )

    def forget(self) -> None:
        """Give the memory of ``corpus`` back."""
        vars(self).pop("corpus", None)


Text = StreamText | DatasetText | FolderText
