"""The joint histogram of loss and entropy: a sufficient statistic of a whole epoch (section 6)."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from bounds.checks import require_positive
from bounds.losses.token_losses import TokenLosses


@dataclass(frozen=True)
class LossBins:
    """A fixed grid, chosen before any loss is seen.

    Bin i of the losses ends at ``(first/growth) * ((1+growth)**i - 1)``: width ``first`` at
    0 nats, growing by the factor ``1+growth`` from bin to bin, so that the grid has no last
    bin.  Rounding up to the edge costs about half a width on average, which at these
    defaults stays below 0.005 nats for mean losses up to about 5 nats.

    Entropies are replaced by the middle of their bin of equal width: any fixed function of
    the entropy is predictable, so this costs no validity, only a little of its use as a
    control variate.

    Attributes:
        first_width_nats: width of the first loss bin.
        growth: relative growth of the width from one bin to the next.
        entropy_width_nats: width of an entropy bin.
    """

    first_width_nats: float = 0.004
    growth: float = 0.001
    entropy_width_nats: float = 0.25

    def __post_init__(self) -> None:
        for name in ("first_width_nats", "growth", "entropy_width_nats"):
            require_positive(name, getattr(self, name))

    def upper_edges(self, index: np.ndarray) -> np.ndarray:
        """Upper edges in nats of the loss bins ``index``, same shape; bin 0 is the loss 0."""
        index = np.asarray(index, dtype=np.float64)
        return self.first_width_nats / self.growth * np.expm1(index * np.log1p(self.growth))

    def lower_edges(self, upper_nats: np.ndarray) -> np.ndarray:
        """Lower edges in nats of the bins with these upper edges, same shape.

        A loss that was rounded up into a bin is not below its lower edge.
        """
        start = self.first_width_nats / self.growth
        below = (np.asarray(upper_nats, dtype=np.float64) + start) / (1.0 + self.growth) - start
        return np.maximum(below, 0.0)

    def loss_bins(self, loss_nats: np.ndarray) -> np.ndarray:
        """Smallest bin whose edge is >= the loss, shape of ``loss_nats``, integers."""
        x = np.asarray(loss_nats, dtype=np.float64)
        position = np.log1p(x * self.growth / self.first_width_nats) / np.log1p(self.growth)
        index = np.maximum(np.ceil(position) - 1, 0)
        # The formula may err by an ulp: step up until the edge is truly not below the loss.
        for _ in range(2):
            index += self.upper_edges(index) < x
        return index.astype(np.int64)

    def entropy_bins(self, entropy_nats: np.ndarray) -> np.ndarray:
        """Bin of each entropy, shape of ``entropy_nats``, integers."""
        return np.floor(np.asarray(entropy_nats) / self.entropy_width_nats).astype(np.int64)

    def entropy_values(self, index: np.ndarray) -> np.ndarray:
        """Middle of the entropy bins ``index`` in nats, same shape."""
        return (np.asarray(index, dtype=np.float64) + 0.5) * self.entropy_width_nats


def bin_losses(losses: TokenLosses, bins: LossBins | None = None) -> TokenLosses:
    """The histogram of ``losses``: one entry per non-empty cell, losses rounded *up*.

    A bound of any form evaluated on the result is valid for the tokens themselves:
    rounding up is a map r fixed in advance, so r(X_k) is also a function of the token and
    its context; the form bounds E[r(X)^s], and r(X)^s >= X^s since smoothing is monotone, so
    that E[r(X)^s] >= R.  No form need increase with X; empirical Bernstein does not (section 6).
    Entropies at their bins' middles are functions of the context alone, hence predictable.

    Entries are sorted by entropy, then loss.
    """
    bins = bins or LossBins()
    # One integer per cell, so that a flat sort finds the non-empty ones: (n,)
    cells = bins.entropy_bins(losses.entropy_nats) << 32 | bins.loss_bins(losses.loss_nats)
    unique, inverse = np.unique(cells, return_inverse=True)
    return TokenLosses(
        loss_nats=bins.upper_edges(unique & 0xFFFFFFFF),
        entropy_nats=bins.entropy_values(unique >> 32),
        tokens=np.bincount(inverse, weights=losses.tokens),
    )


def merge_histograms(parts: list[TokenLosses]) -> TokenLosses:
    """Sum of histograms over the same bins, without binning anything twice."""
    loss = np.concatenate([part.loss_nats for part in parts])
    entropy = np.concatenate([part.entropy_nats for part in parts])
    unique, inverse = np.unique(np.stack([entropy, loss], axis=1), axis=0, return_inverse=True)
    tokens = np.bincount(inverse.ravel(), weights=np.concatenate([p.tokens for p in parts]))
    return TokenLosses(unique[:, 1], unique[:, 0], tokens)


def coarsened(losses: TokenLosses) -> TokenLosses:
    """A histogram with far fewer cells, for searching; losses are again rounded up.

    Made once per ``losses`` and kept as long as they live: several forms search the same ones.
    """
    if losses not in _coarsened:
        _coarsened[losses] = bin_losses(losses, _SEARCH_BINS)
    return _coarsened[losses]


_SEARCH_BINS = LossBins(first_width_nats=0.04, growth=0.02, entropy_width_nats=1.0)
_coarsened: WeakKeyDictionary[TokenLosses, TokenLosses] = WeakKeyDictionary()
