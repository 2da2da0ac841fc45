"""Window indices as they are asked for, and as they are read: once each, neighbours together."""

from collections.abc import Iterator, Sequence

import numpy as np

from compute.base.errors import InputError

#: Neighbouring windows that one read takes: 1 MiB of Pythia's.
LONGEST_RUN = 256


def distinct(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each index once, ascending; where each one asked for is among them; how often it was.

    Raises:
        InputError: they are not whole numbers from 0 on.
    """
    asked = np.asarray(indices)
    if asked.size == 0:
        asked = asked.astype(np.int64)
    if asked.ndim != 1 or not np.issubdtype(asked.dtype, np.integer):
        raise InputError(
            f"Window indices of shape {asked.shape} and type {asked.dtype} are not a list of "
            "whole numbers."
        )
    if len(asked) and asked.min() < 0:
        raise InputError(f"Window {asked.min()} does not exist; the first one is 0.")
    return np.unique(asked, return_inverse=True, return_counts=True)


def runs(numbers: np.ndarray) -> Iterator[range]:
    """Neighbours among ascending ``numbers``, at most ``LONGEST_RUN`` of them together."""
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
        for start in range(int(run[0]), int(run[-1]) + 1, LONGEST_RUN):
            yield range(start, min(start + LONGEST_RUN, int(run[-1]) + 1))
