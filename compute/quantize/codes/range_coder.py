"""A range coder (constriction's) with the two models of the entropy code.

Probabilities are ratios of integers, so encoder and decoder compute the same ones on any machine.
"""

import constriction
import numpy as np

#: Symbols that are passed to the coder at once: it needs four bytes for each.
_CHUNK = 2**20

_UNIFORM = constriction.stream.model.Uniform
_CATEGORICAL = constriction.stream.model.Categorical


class Writer:
    """Collects symbols; ``bytes`` is what a ``Reader`` restores them from.

    Attributes:
        uniform_bits: spent so far on integers that are all equally likely: flags, tables, lists.
        symbol_bits: spent on symbols with a table, as their frequencies say.
    """

    def __init__(self) -> None:
        self._encoder = constriction.stream.queue.RangeEncoder()
        self.uniform_bits = 0.0
        self.symbol_bits = 0.0

    def uniform(self, values: np.ndarray | int, size: int) -> None:
        """Integers in [0, size), all equally likely: log2(size) bits each; size < 2**24."""
        values = np.atleast_1d(np.asarray(values, dtype=np.int32))
        if size > 1 and values.size:
            self._encoder.encode(values, _UNIFORM(size))
            self.uniform_bits += values.size * np.log2(size)

    def symbols(self, values: np.ndarray, frequencies: np.ndarray) -> None:
        """Integers in [0, len(frequencies)), each as likely as its integer frequency says."""
        if len(frequencies) <= 1 or not values.size:
            return
        model = _model(frequencies)
        for start in range(0, values.size, _CHUNK):
            part = values[start : start + _CHUNK].astype(np.int32)
            self._encoder.encode(part, model)
            counts = np.bincount(part, minlength=len(frequencies))
            used = np.flatnonzero(counts)
            shares = frequencies[used] / frequencies.sum()
            self.symbol_bits -= float(counts[used] @ np.log2(shares))

    def bytes(self) -> bytes:
        """Everything so far, in whole 32-bit words."""
        return self._encoder.get_compressed().astype("<u4").tobytes()


class Reader:
    """Restores the input of a ``Writer``; calls must be in the same order."""

    def __init__(self, data: memoryview) -> None:
        """Raises ValueError if the data is not a whole number of words."""
        if len(data) % 4:
            raise ValueError(f"range-coded data comes in 4-byte words, and there are {len(data)}")
        words = np.frombuffer(data, dtype="<u4").astype(np.uint32)
        self._decoder = constriction.stream.queue.RangeDecoder(words)

    def uniform(self, count: int, size: int) -> np.ndarray:
        """``count`` integers in [0, size), int64."""
        if size <= 1 or not count:
            return np.zeros(count, dtype=np.int64)
        return self._decode(_UNIFORM(size), count).astype(np.int64)

    def number(self, size: int) -> int:
        """One integer in [0, size)."""
        return int(self.uniform(1, size)[0])

    def symbols(self, count: int, frequencies: np.ndarray) -> np.ndarray:
        """``count`` integers in [0, len(frequencies)), at most 2**16, uint16."""
        values = np.zeros(count, dtype=np.uint16)
        if len(frequencies) > 1:
            model = _model(frequencies)
            for start in range(0, count, _CHUNK):
                part = values[start : start + _CHUNK]
                part[:] = self._decode(model, part.size)
        return values

    def check_end(self) -> None:
        """Raises ValueError if there is more data than was asked for."""
        if not self._decoder.maybe_exhausted():
            raise ValueError("the file has more data than this architecture needs")

    def _decode(self, model: object, count: int) -> np.ndarray:
        try:
            return self._decoder.decode(model, count)
        except (AssertionError, RuntimeError):
            raise ValueError("the range-coded data is damaged") from None


def _model(frequencies: np.ndarray) -> object:
    return _CATEGORICAL(frequencies / frequencies.sum(), perfect=False)
