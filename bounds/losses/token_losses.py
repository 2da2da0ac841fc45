"""Token losses with predictive entropies: one entry per token, or one per histogram cell."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)  # compared by identity: arrays have no single truth value
class TokenLosses:
    """Losses X_k and predictive entropies H_k of one model on one set of tokens.

    Attributes:
        loss_nats: shape (n,), X >= 0 of a token, or the upper edge of a histogram cell.
        entropy_nats: shape (n,), H >= 0 of the model's prediction at that token.
        tokens: shape (n,), how many tokens an entry represents; positive.

    A histogram whose losses were rounded *up* may replace the tokens in every bound
    of this package (``histogram.bin_losses`` says why).
    """

    loss_nats: np.ndarray
    entropy_nats: np.ndarray
    tokens: np.ndarray

    def __post_init__(self) -> None:
        for name in ("loss_nats", "entropy_nats", "tokens"):
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.ndim != 1:
                raise ValueError(f"{name} has shape {array.shape}; expected one dimension")
            object.__setattr__(self, name, array)
        if not (self.loss_nats.shape == self.entropy_nats.shape == self.tokens.shape):
            raise ValueError(
                f"loss_nats {self.loss_nats.shape}, entropy_nats {self.entropy_nats.shape} and "
                f"tokens {self.tokens.shape} must have the same length"
            )
        if self.loss_nats.size == 0:
            raise ValueError("no token losses: the arrays are empty")
        for name in ("loss_nats", "entropy_nats"):
            array = getattr(self, name)
            if not np.all(np.isfinite(array)) or np.any(array < 0):
                worst = array[~(np.isfinite(array) & (array >= 0))][0]
                raise ValueError(f"{name} holds {worst}; every value must be finite and >= 0")
        if not np.all(np.isfinite(self.tokens)) or np.any(self.tokens <= 0):
            raise ValueError("tokens must be finite and greater than 0 in every entry")

    @classmethod
    def of_tokens(cls, loss_nats: np.ndarray, entropy_nats: np.ndarray) -> "TokenLosses":
        """One entry per token."""
        return cls(loss_nats, entropy_nats, np.ones(np.shape(loss_nats)))

    @property
    def total_tokens(self) -> float:
        """Number of tokens that the entries represent."""
        return float(self.tokens.sum())

    def mean(self, values: np.ndarray) -> float:
        """Token mean of ``values``, shape (n,)."""
        return float(self.tokens @ values / self.tokens.sum())

    @property
    def mean_loss_nats(self) -> float:
        """Empirical risk R_hat = (1/D) sum X_k in nats per token (section 0)."""
        return self.mean(self.loss_nats)
