"""Which windows, and which positions inside them, are measured (THEORY.md section 6).

Both are functions of the seed alone: the windows are drawn without looking at a model, and the
positions without looking at the windows.  A shorter draw is a prefix of a longer one, so that more
can be measured later without losing what was.
"""

import numpy as np

from compute.base.errors import InputError

#: One stream of random numbers per purpose: under one seed the two are independent.
_WINDOWS, _POSITIONS = 0, 1

#: Windows whose positions are permuted at once, which bounds the memory.
_BLOCK = 1024


def uniform_draws(windows: int, count: int, seed: int) -> np.ndarray:
    """Draws from the first ``windows`` windows, i.i.d. uniform with replacement.

    Returns:
        Their indices, shape (count,), int64, in the order drawn.

    Raises:
        InputError: there is no window to draw from, or a number is negative.
    """
    if windows < 1:
        raise InputError(f"There are {windows} windows to draw from; there must be at least one.")
    return _generator(_WINDOWS, count, seed).integers(windows, size=count)


def distinct_draws(windows: int, count: int, seed: int) -> np.ndarray:
    """Different windows among the first ``windows``, in random order; all of them, if they are no
    more than ``count``.

    Returns:
        Their indices, shape (min(count, windows),), int64.

    Raises:
        InputError: there is no window to draw from, or a number is negative.
    """
    wanted = min(count, windows)
    drawn = 2 * wanted
    while True:
        found = np.array([*dict.fromkeys(uniform_draws(windows, drawn, seed).tolist())], np.int64)
        if len(found) >= wanted:
            return found[:wanted]
        drawn *= 2  # the draws so far are a prefix of the new ones


def shuffled_windows(windows: int, count: int | None, seed: int) -> np.ndarray:
    """Indices of the first ``windows`` windows in random order, None for all of them; those of a
    shorter draw are a prefix.

    Returns:
        Shape (min(count, windows),), int64.
    """
    return np.random.default_rng(seed).permutation(windows)[:count]


def drawn_positions(count: int, positions: int, context: int, seed: int) -> np.ndarray:
    """Distinct positions of ``count`` windows, uniform over the subsets of ``range(context)``.

    The positions of a smaller ``positions`` are among those of a larger one.

    Returns:
        Shape (count, positions), int64, ascending in each row.

    Raises:
        InputError: a window has fewer than ``positions`` positions, or a number is negative.
    """
    if not 1 <= positions <= context:
        raise InputError(
            f"{positions} positions cannot be drawn from windows of {context}; choose from 1 to "
            f"{context}."
        )
    rng = _generator(_POSITIONS, count, seed)
    drawn = np.empty((count, positions), dtype=np.int64)
    for start in range(0, count, _BLOCK):
        block = drawn[start : start + _BLOCK]
        rows = np.tile(np.arange(context), (len(block), 1))  # (block, context)
        block[:] = np.sort(rng.permuted(rows, axis=1)[:, :positions], axis=1)
    return drawn


def _generator(purpose: int, count: int, seed: int) -> np.random.Generator:
    if count < 0 or seed < 0:
        raise InputError(f"count={count} and seed={seed} must not be negative.")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))
