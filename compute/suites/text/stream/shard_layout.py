"""Shards: consecutive files that form one long file of token ids."""

from collections.abc import Iterator
from dataclasses import dataclass

from compute.base.errors import InputError

#: Token ids are stored as little-endian uint16.
ID_BYTES = 2


@dataclass(frozen=True)
class Piece:
    """Bytes ``start`` to ``stop`` - 1 of the shard ``name``, which has ``size`` bytes."""

    name: str
    start: int
    stop: int
    size: int


@dataclass(frozen=True)
class ShardLayout:
    """The shards of one joined file; all but the last have the same size.

    Attributes:
        names: of the shards, in order.
        sizes: their bytes.
        commit: which commit of a hub dataset they are of, None elsewhere.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    commit: str | None = None

    @property
    def joined_bytes(self) -> int:
        """Size of the joined file."""
        return sum(self.sizes)

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """Where bytes ``start`` to ``stop`` of the joined file lie."""
        for index in range(start // self.sizes[0], len(self.names)):
            begin = index * self.sizes[0]
            if begin >= stop:
                break
            size = self.sizes[index]
            yield Piece(self.names[index], max(start - begin, 0), min(stop - begin, size), size)

    def check(self, address: str, window_bytes: int) -> None:
        """Refuse shards that cannot be read as one file of token ids.

        Raises:
            InputError: a shard is empty, holds half a token id or has another size than the
                first, or all of them hold less than one window.
        """
        first = self.sizes[0]
        for name, size in zip(self.names, self.sizes, strict=True):
            if not size:
                raise InputError(f"The shard {name} of {address} is empty; copy it again.")
            if size % ID_BYTES:
                raise InputError(
                    f"The shard {name} of {address} has {size:,} bytes, an odd number, so it is no "
                    "file of 2-byte token ids, or was cut off; copy it again."
                )
            if size > first or (size < first and name != self.names[-1]):
                raise InputError(
                    f"The shard {name} of {address} has {size:,} bytes and {self.names[0]} has "
                    f"{first:,}, but only the last shard may be smaller; one of the two was cut "
                    "off or is of another stream: copy it again."
                )
        if self.joined_bytes < window_bytes:
            raise InputError(
                f"The shards of {address} hold {self.joined_bytes:,} bytes in all, less than one "
                f"window of {window_bytes:,}; correct the address or the length of the windows."
            )
