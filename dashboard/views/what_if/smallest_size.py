"""The smallest model whose gap falls to a target."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.analysis.laws.outlook import GAP, Estimate, Outlook
from dashboard.analysis.laws.sizes import LARGEST

#: Sizes that are tried, evenly spaced in log N: about a tenth apart, from 30 thousand to 1e13.
_SIZES = 200

_TAIL = 0.025


@dataclass(frozen=True)
class SmallestSize:
    """The smallest N, between the smallest measured one and ``LARGEST``, that meets a target.

    Attributes:
        n: by the laws; infinity if they do not reach it.
        low, high: 95 % interval over resamples of the models; infinity counts as a size.
        reaching: share of resamples in which the gap falls to the target at all.
        at_largest: the gap at ``LARGEST``.
    """

    n: float
    low: float
    high: float
    reaching: float
    at_largest: Estimate


def smallest_size(view: Outlook, target: float, keys: Sequence[str] = GAP) -> SmallestSize | None:
    """The size at which a sum of laws first falls to ``target`` nats per token; None without laws.

    Args:
        keys: what is added up: the terms of the gap, or the gap by its own law.
    """
    at_largest = view.estimate(keys, LARGEST)
    if at_largest is None:
        return None
    sizes = np.geomspace(view.smallest, LARGEST, _SIZES)
    draws = np.sort(first_below(sizes, view.draws_at(keys, sizes), target))
    last = draws.size - 1
    return SmallestSize(
        n=_refined(view, sizes, target, keys),
        low=float(draws[math.floor(_TAIL * last)]),
        high=float(draws[math.ceil((1 - _TAIL) * last)]),
        reaching=float(np.isfinite(draws).mean()),
        at_largest=at_largest,
    )


def first_below(sizes: np.ndarray, values: np.ndarray, target: float) -> np.ndarray:
    """The size at which each row first falls to ``target``; infinity if it never does.

    Args:
        sizes: shape (m,), rising.
        values: shape (rows, m), positive; a row is interpolated as a power law.
        target: positive.

    Returns:
        Shape (rows,); the first of ``sizes`` for a row that starts at or below the target.
    """
    below = values <= target
    place = below.argmax(axis=1)
    row, before = np.arange(len(values)), np.maximum(place - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # no crossing
        high, low = np.log(values[row, before]), np.log(values[row, place])
        part = np.where(place > 0, (high - math.log(target)) / (high - low), 0.0)
    log_sizes = np.log(sizes)
    found = np.exp(log_sizes[before] + part * (log_sizes[place] - log_sizes[before]))
    found[place == 0] = sizes[0]  # exactly, so that callers can recognize it
    return np.where(below.any(axis=1), found, np.inf)


def _refined(view: Outlook, sizes: np.ndarray, target: float, keys: Sequence[str]) -> float:
    """The crossing of the laws themselves, on successively finer sizes around it."""
    found = math.inf
    for _ in range(3):
        values = view.at(keys, sizes)
        if not (values <= target).any():
            break
        found = float(first_below(sizes, values[None, :], target)[0])
        place = max(int((values <= target).argmax()), 1)
        sizes = np.geomspace(sizes[place - 1], sizes[place], _SIZES)
    return found
