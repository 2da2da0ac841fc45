"""Tables of symbol frequencies, short enough to be part of the code.

A frequency is a floating-point number of few digits: exponent e and mantissa m of q bits
represent (2^q + m) * 2^e / 2^q.  Fewer digits make the table shorter and the symbols a little
longer; q minimizes the sum.
"""

from dataclasses import dataclass

import numpy as np

from compute.quantize.codes.range_coder import Reader, Writer

#: Largest mantissa width that is tried: beyond it tables grow and symbols hardly shrink.
_MAX_MANTISSA = 7

#: Limits of a table.
_MAX_SIZE = 2**16
_MAX_LEVEL = 2**13


@dataclass(frozen=True)
class FrequencyTable:
    """Frequencies of the symbols 0 ... K-1 as they are sent.

    Attributes:
        levels: shape (K,), 0 for a symbol that never occurs, else 1 + (e << q | m).
        mantissa: q.
    """

    levels: np.ndarray
    mantissa: int

    @property
    def frequencies(self) -> np.ndarray:
        """Integers proportional to probabilities, shape (K,), int64."""
        values = _frequencies(np.maximum(self.levels, 1), self.mantissa)
        return np.where(self.levels > 0, values, 0)

    def write(self, writer: Writer) -> None:
        """Send the table."""
        highest = int(self.levels.max())
        writer.uniform(len(self.levels) - 1, _MAX_SIZE)
        writer.uniform(self.mantissa, _MAX_MANTISSA + 1)
        writer.uniform(highest, _MAX_LEVEL)
        writer.uniform(self.levels, highest + 1)

    @staticmethod
    def read(reader: Reader) -> "FrequencyTable":
        """Receive a table."""
        size = reader.number(_MAX_SIZE) + 1
        mantissa = reader.number(_MAX_MANTISSA + 1)
        highest = reader.number(_MAX_LEVEL)
        table = FrequencyTable(reader.uniform(size, highest + 1), mantissa)
        if highest > 40 << mantissa or not table.levels.any():
            raise ValueError("the range-coded data is damaged")
        return table


def best_table(counts: np.ndarray) -> FrequencyTable:
    """The table with the smallest sum of its own length and that of the symbols.

    Args:
        counts: occurrences of the symbols 0 ... K-1, at least one positive.
    """
    used = np.flatnonzero(counts)
    levels, lengths = _tables(counts[used], len(counts))
    mantissa = int(np.argmin(lengths))
    chosen = np.zeros(len(counts), dtype=np.int64)
    chosen[used] = levels[mantissa]
    return FrequencyTable(chosen, mantissa)


def best_bits(counts: np.ndarray) -> float:
    """Length of the best table and of symbols that occur ``counts`` times, coded with it."""
    return float(_tables(counts[counts > 0], len(counts))[1].min())


def _tables(counts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels, shape (q, symbols), and summed lengths, shape (q,), for each mantissa width q.

    Args:
        counts: of the symbols that occur.
        size: number of all symbols, K.
    """
    counts = counts.astype(np.int64)
    mantissa = np.arange(_MAX_MANTISSA + 1)[:, None]
    exponent = np.frexp(counts)[1].astype(np.int64) - 1  # floor(log2)
    digits = np.rint(np.ldexp(counts.astype(np.float64), mantissa - exponent)).astype(np.int64)
    # 2^(q+1) is 2^q of the next exponent, which the sum below already represents
    levels = (exponent << mantissa) + digits - (1 << mantissa) + 1
    frequencies = _frequencies(levels, mantissa)
    shares = frequencies / frequencies.sum(axis=1, keepdims=True)
    symbols = -(counts * np.log2(shares)).sum(axis=1)
    head = np.log2(_MAX_SIZE) + np.log2(_MAX_MANTISSA + 1) + np.log2(_MAX_LEVEL)
    return levels, head + size * np.log2(levels.max(axis=1) + 1) + symbols


def _frequencies(levels: np.ndarray, mantissa: int | np.ndarray) -> np.ndarray:
    """What levels of at least 1 stand for."""
    exponent, digits = np.divmod(levels - 1, 1 << mantissa)
    return ((1 << mantissa) + digits) << exponent
