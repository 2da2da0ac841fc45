"""One file of a table."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Part:
    """The bytes of one file.

    Attributes:
        name: for sentences.
        content: memory, or a map of a file into it.
    """

    name: str
    content: pa.Buffer
