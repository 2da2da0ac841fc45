"""Windows of a remote token stream on disk: one SQLite file for each stream."""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from compute.base.errors import InputError

#: How long to wait for another process that writes to the same file.
BUSY_SECONDS = 60.0

#: The row that holds facts about the stream, beside one row for each window number.
_FACTS = -1

_CREATE = """CREATE TABLE IF NOT EXISTS
    kept (number INTEGER PRIMARY KEY, content BLOB NOT NULL, crc32 INTEGER NOT NULL)"""


class WindowCache:
    """What is kept of one stream.

    Several processes may read and write at once. Each group of windows is written in one
    transaction, so that a killed process leaves nothing half-written. A row whose checksum is
    wrong counts as missing.
    """

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["WindowCache"]:
        """Open or create the file.

        Raises:
            InputError: it is damaged, locked for long, or cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
                connection.execute(_CREATE)
                yield cls(connection)
        except sqlite3.Error as error:
            raise _unusable(path, error) from error

    def facts(self) -> dict | None:
        """What ``keep_facts`` kept."""
        content = self.load([_FACTS]).get(_FACTS)
        return None if content is None else json.loads(content)

    def keep_facts(self, facts: dict) -> None:
        """Keep what else is known of the stream; a JSON object."""
        self.save([(_FACTS, json.dumps(facts).encode())])

    def load(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """The windows among ``numbers`` that are kept and whole; a thousand at a time."""
        marks = ",".join("?" * len(numbers))
        rows = self._connection.execute(
            f"SELECT number, content, crc32 FROM kept WHERE number IN ({marks})",
            [int(number) for number in numbers],
        ).fetchall()
        return {
            number: content
            for number, content, crc32 in rows
            if isinstance(content, bytes) and crc32 == _crc32(number, content)
        }

    def save(self, windows: list[tuple[int, bytes]]) -> None:
        """Keep all of ``windows`` or, if that fails, none."""
        rows = [(number, content, _crc32(number, content)) for number, content in windows]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)


class NoCache:
    """Keeps nothing: of a folder that lies on this machine, a second copy would gain nothing."""

    def facts(self) -> None:
        """None."""

    def keep_facts(self, facts: dict) -> None:
        """Keep nothing."""

    def load(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """No windows."""
        return {}

    def save(self, windows: list[tuple[int, bytes]]) -> None:
        """Keep nothing."""


def _crc32(number: int, content: bytes) -> int:
    """Of the content, begun with its number, so that it holds at its own place alone."""
    return zlib.crc32(content, number & 0xFFFFFFFF)


def _unusable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"The cache of token windows {path} cannot be used ({error}); make room, let other runs "
        "end, or delete the file: what is missing is read again."
    )
