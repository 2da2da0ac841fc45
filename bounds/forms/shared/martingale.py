"""The martingale inequality and its loss variation Sigma (section 1; paper, Theorem 3.1)."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from bounds.checks import require_count, require_positive
from bounds.codes.complexity import PAPER_GRID_SIZE
from bounds.losses.token_losses import TokenLosses


@dataclass(frozen=True)
class LossVariation:
    """Sigma of Theorem 3.1, and the point of the grid where it is reached.

    Attributes:
        sigma_nats: Sigma, in nats per sqrt(nat per token).
        s: the minimizer, a point of the grid K.
        grid_size: |K|.
    """

    sigma_nats: float
    s: float
    grid_size: int


def s_grid(grid_size: int = PAPER_GRID_SIZE) -> np.ndarray:
    """K = {1/(m+1), ..., m/(m+1)}, shape (m,): fixed in advance, inside (0, 1)."""
    m = require_count("grid_size", grid_size)
    return np.arange(1, m + 1, dtype=np.float64) / (m + 1)


def variation_at(
    s: float, smoothed: TokenLosses, loss_range_nats: float, complexity_nats: float
) -> float:
    """The objective of Sigma at one s, with Y_k = H_k, in nats per sqrt(nat per token):

    Delta*sqrt(C)*(1-s)/s + (Delta/sqrt(C)) * mean v(s*A)/s, v(x) = x - ln(1+x),
    A = (H - X)/Delta.
    """
    scaled = s * (smoothed.entropy_nats - smoothed.loss_nats) / loss_range_nats
    mean_v = smoothed.mean(scaled - np.log1p(scaled))
    root = np.sqrt(complexity_nats)
    return float(loss_range_nats * (root * (1.0 - s) + mean_v / root) / s)


def loss_variation(
    smoothed: TokenLosses,
    loss_range_nats: float,
    complexity_nats: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> LossVariation:
    """Sigma = min over the grid K of ``variation_at``.

    Args:
        smoothed: losses X^s of the smoothed model, each at most ``loss_range_nats``, and the
            entropies H of the unsmoothed one as control variate Y.  H depends on the context
            alone, so it is predictable.
        loss_range_nats: Delta.
        complexity_nats: C, in nats per token.
        grid_size: |K|.

    The objective is a positive convex function of s over s, hence quasi-convex, with no flat
    stretch above its minimum: its slope has the sign of  u(s) = mean ln(1+s*A) -
    mean s*A/(1+s*A) - C,  which rises in s.  Bisection over the index of the grid for the
    first s with u(s) >= 0 leaves two candidates, and the smaller value of them is the
    minimum over the grid, after 2 to 12 passes over the data instead of |K|.

    Raises:
        ValueError: a loss exceeds the range, or H - X reaches -Delta.
    """
    delta = require_positive("loss_range_nats", loss_range_nats)
    c = require_positive("complexity_nats", complexity_nats)
    grid = s_grid(grid_size)
    if smoothed.loss_nats.max() > delta * (1 + 1e-12):
        raise ValueError(
            f"a smoothed loss of {smoothed.loss_nats.max():.6g} nats exceeds the loss range "
            f"{delta:.6g}; smooth the losses first"
        )
    a = (smoothed.entropy_nats - smoothed.loss_nats) / delta

    @cache
    def rises_at(index: int) -> bool:
        scaled = grid[index] * a
        return smoothed.mean(np.log1p(scaled) - scaled / (1.0 + scaled)) >= c

    # Bracket from the upper end, where the minimizer is whenever C is large, then bisect.
    end, width = grid.size, 1
    while end > 0 and rises_at(max(end - width, 0)):
        end, width = max(end - width, 0), 4 * width
    first_rising = max(end - width + 1, 0)
    while first_rising < end:
        middle = (first_rising + end) // 2
        if rises_at(middle):
            end = middle
        else:
            first_rising = middle + 1
    candidates = grid[max(first_rising - 1, 0) : first_rising + 1]
    values = [variation_at(s, smoothed, delta, c) for s in candidates]
    best = int(np.argmin(values))
    return LossVariation(values[best], float(candidates[best]), grid.size)
