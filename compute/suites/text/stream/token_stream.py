"""The training stream of a published model, read window by window from its token files.

Pythia's (EleutherAI/pile-deduped-pythia-preshuffled and its -standard- twin) lies in 21 shards of
one file of 600 GB. Window i, of 2049 ids, is what the run saw as its i-th sequence: 2048
predictions, the first id being context alone. Each window costs one read of 4 KB.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute.base.errors import InputError
from compute.suites.text.stream.byte_source import ByteSource, is_folder, open_source
from compute.suites.text.stream.reads_in_flight import reads_in_flight
from compute.suites.text.stream.shard_layout import ID_BYTES, ShardLayout
from compute.suites.text.stream.window_cache import NoCache, WindowCache
from compute.suites.text.stream.window_numbers import distinct, runs

#: Windows that are looked up in the cache at once.
_BLOCK = 1000


@dataclass(frozen=True)
class TokenStream:
    """Token windows of one joined file; small, and can be pickled.

    Windows read from another machine are stored in ``cache_dir``, one file per stream, and need no
    network again. Folders of this machine are read again each time.

    Attributes:
        address: ``hf://datasets/ORG/NAME`` or ``hf://datasets/ORG/NAME@REVISION``,
            ``http(s)://host/folder``, or a local folder.
        cache_dir: for the windows.
        vocab_size: V; ids must be below it.
        ids_per_window: ids of a window, including its first one, which is only context.
        shards: how many files there are.
        name: of a shard, a format string with ``index`` from 0 to ``last``. Pythia's 21 shards
            are document-00000-of-00020.bin to document-00020-of-00020.bin.
    """

    address: str
    cache_dir: Path
    vocab_size: int
    ids_per_window: int = 2049
    shards: int = 21
    name: str = "document-{index:05d}-of-{last:05d}.bin"

    def windows(self) -> int:
        """How many whole windows there are; asked once, then known without a network.

        Raises:
            InputError: a shard is missing, empty or cut off, or cannot be reached.
        """
        with self._cache() as cache:
            return self._windows_of(self._layout(cache))

    def commit(self) -> str | None:
        """Commit of the hub dataset that every window is read of; None for other addresses.

        Raises:
            InputError: as ``windows``.
        """
        with self._cache() as cache:
            return self._layout(cache).commit

    def read(
        self, indices: Sequence[int], report: Callable[[int], None] = lambda windows: None
    ) -> np.ndarray:
        """The windows with these indices, in the order asked; an index may be repeated.

        An interrupted or failed read keeps what came, and the next one goes on from there.

        Args:
            indices: from 0 to ``windows()`` - 1.
            report: told now and then how many more of the windows asked for are there; the
                numbers add up to ``len(indices)``.

        Returns:
            Token ids, shape (len(indices), ids_per_window), int32.

        Raises:
            InputError: there is no such window, it cannot be read, or it holds an id that is
                not below ``vocab_size``.
        """
        wanted, order, counts = distinct(indices)
        ids = np.empty((len(wanted), self.ids_per_window), dtype="<u2")
        with self._cache() as cache:
            layout = self._layout(cache)
            self._check_range(wanted, layout)
            missing = np.ones(len(wanted), dtype=bool)
            for found in self._kept(cache, wanted):
                rows = self._place(found, wanted, ids)
                missing[rows] = False
                report(int(counts[rows].sum()))
            with closing(self._fetched(layout, wanted[missing])) as arrivals:
                for came in arrivals:
                    cache.save(came)
                    report(int(counts[self._place(came, wanted, ids)].sum()))
        return ids[order].astype(np.int32)

    def missing_bytes(self, indices: Sequence[int]) -> int:
        """What ``read`` would still have to fetch from another machine; needs no network.

        Raises:
            InputError: an index is negative or, where that is known by now, too large.
        """
        wanted, _, _ = distinct(indices)
        if is_folder(self.address):
            return 0
        kept = 0
        if self._cache_file().exists():
            with self._cache() as cache:
                layout = self._kept_layout(cache)
                if layout is not None:
                    self._check_range(wanted, layout)
                kept = sum(len(found) for found in self._kept(cache, wanted))
        return (len(wanted) - kept) * self._window_bytes

    @property
    def _window_bytes(self) -> int:
        return self.ids_per_window * ID_BYTES

    @property
    def _names(self) -> tuple[str, ...]:
        last = self.shards - 1
        return tuple(self.name.format(index=index, last=last) for index in range(self.shards))

    def _windows_of(self, layout: ShardLayout) -> int:
        return layout.joined_bytes // self._window_bytes

    def _cache_file(self) -> Path:
        """The cache file, named after everything that determines a window's place.

        The sizes of the shards are inside the file.
        """
        key = json.dumps([self.address.rstrip("/"), self._names, self.ids_per_window])
        label = re.sub(r"[^\w.-]+", "-", self.address.rstrip("/").rpartition("/")[2])
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        return self.cache_dir / "token_streams" / f"{label}-{digest}.sqlite"

    @contextmanager
    def _cache(self) -> Iterator[WindowCache | NoCache]:
        if is_folder(self.address):
            yield NoCache()
        else:
            with WindowCache.open(self._cache_file()) as cache:
                yield cache

    def _kept_layout(self, cache: WindowCache | NoCache) -> ShardLayout | None:
        facts = cache.facts()
        if facts is None:
            return None
        return ShardLayout(self._names, tuple(facts["sizes"]), facts["commit"])

    def _layout(self, cache: WindowCache | NoCache) -> ShardLayout:
        """The shards, checked before anything is read of them or kept."""
        kept = self._kept_layout(cache)
        if kept is not None:
            return kept
        with open_source(self.address) as source:
            sizes = tuple(source.size(name) for name in self._names)
            layout = ShardLayout(self._names, sizes, source.commit)
        layout.check(self.address, self._window_bytes)
        cache.keep_facts({"address": self.address, "sizes": sizes, "commit": layout.commit})
        return layout

    def _check_range(self, wanted: np.ndarray, layout: ShardLayout) -> None:
        windows = self._windows_of(layout)
        if len(wanted) and wanted[-1] >= windows:
            raise InputError(
                f"Window {wanted[-1]} of {self.address} does not exist; it has windows 0 to "
                f"{windows - 1}."
            )

    def _kept(
        self, cache: WindowCache | NoCache, wanted: np.ndarray
    ) -> Iterator[list[tuple[int, bytes]]]:
        for start in range(0, len(wanted), _BLOCK):
            found = cache.load(wanted[start : start + _BLOCK])
            if found:
                yield list(found.items())

    def _fetched(
        self, layout: ShardLayout, numbers: np.ndarray
    ) -> Iterator[list[tuple[int, bytes]]]:
        """Windows as they come from the source, which is not opened for none."""
        if not len(numbers):
            return
        size = self._window_bytes
        with open_source(self.address, layout.commit) as source:

            def read(run: range) -> bytes:
                return _joined(source, layout, run.start * size, run.stop * size)

            with closing(reads_in_flight(read, runs(numbers), source.stop)) as groups:
                for group in groups:
                    yield [
                        (number, content[i * size : (i + 1) * size])
                        for run, content in group
                        for i, number in enumerate(run)
                    ]

    def _place(
        self, windows: list[tuple[int, bytes]], wanted: np.ndarray, ids: np.ndarray
    ) -> np.ndarray:
        """Write ``windows`` into their rows of ``ids``; which rows these are."""
        rows = np.searchsorted(wanted, [number for number, _ in windows])
        for row, (number, content) in zip(rows, windows, strict=True):
            ids[row] = np.frombuffer(content, dtype="<u2")
            largest = ids[row].max()
            if largest >= self.vocab_size:
                raise InputError(
                    f"Window {number} of {self.address} holds the id {largest}, which is not "
                    f"below the vocabulary's {self.vocab_size}; correct the address or the model."
                )
        return rows


def _joined(source: ByteSource, layout: ShardLayout, start: int, stop: int) -> bytes:
    """Bytes ``start`` to ``stop`` of the joined file, from all shards that contain them."""
    return b"".join(
        source.read(piece.name, piece.start, piece.stop, piece.size)
        for piece in layout.pieces(start, stop)
    )
