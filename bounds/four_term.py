"""The paper's bound: training loss plus four terms (section 4; paper, Theorem 3.4)."""

import math
from dataclasses import dataclass

from bounds.complexity import PAPER_GRID_SIZE, Complexity, complexity
from bounds.martingale import LossVariation, loss_variation
from bounds.smoothing import (
    loss_range_nats,
    smooth_losses_nats,
    smoothing_cost_nats,
    smoothing_weight,
)
from bounds.token_losses import TokenLosses


@dataclass(frozen=True)
class FourTermBound:
    """R(h_qs) <= training loss + complexity + loss variation + smoothing + quantization gap.

    It bounds the expected loss, on a fresh next token in every training context, of the
    smoothed, quantized model, with probability at least 1 - delta.  All in nats per token.

    Attributes:
        training_loss_nats: R_hat(h), mean training loss of the unquantized model.
        complexity_nats: C*ln V.
        loss_variation_nats: Sigma*sqrt(C).
        smoothing_nats: sqrt(2*C).
        quantization_gap_nats: R_hat(h_q) - R_hat(h); may be negative.
        complexity_per_token: C and its shares.
        loss_variation: Sigma and its minimiser.
        alpha: smoothing weight, C/(1+C).
        loss_range_nats: Delta = ln(V/alpha).
    """

    training_loss_nats: float
    complexity_nats: float
    loss_variation_nats: float
    smoothing_nats: float
    quantization_gap_nats: float
    complexity_per_token: Complexity
    loss_variation: LossVariation
    alpha: float
    loss_range_nats: float

    @property
    def total_nats(self) -> float:
        """The bound on the risk: the five addends."""
        return (
            self.training_loss_nats
            + self.complexity_nats
            + self.loss_variation_nats
            + self.smoothing_nats
            + self.quantization_gap_nats
        )


def four_term_bound(
    unquantized: TokenLosses,
    quantized: TokenLosses,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> FourTermBound:
    """Theorem 3.4 on all D training tokens.

    Args:
        unquantized: losses of h on the training set, tokens or histogram.
        quantized: losses and entropies of the *decoded* h_q on the same set.
        code_bits: L(h), bits of a code for h_q; the bound is a certificate only if this is
            the length of a real prefix-free code.
        train_tokens: D.
        vocab_size: V.
        failure_probability: delta, in (0, 1).
        grid_size: |K|.

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    for name, losses in (("unquantized", unquantized), ("quantized", quantized)):
        if losses.total_tokens != train_tokens:
            raise ValueError(
                f"the {name} losses cover {losses.total_tokens:.0f} tokens, but the training set "
                f"has {train_tokens}; this form needs every training token"
            )
    per_token = complexity(code_bits, train_tokens, failure_probability, grid_size)
    c = per_token.total_nats
    alpha = smoothing_weight(c)
    delta = loss_range_nats(alpha, vocab_size)
    smoothed = TokenLosses(
        smooth_losses_nats(quantized.loss_nats, alpha, vocab_size),
        quantized.entropy_nats,
        quantized.tokens,
    )
    variation = loss_variation(smoothed, delta, c, grid_size)
    return FourTermBound(
        training_loss_nats=unquantized.mean_loss_nats,
        complexity_nats=c * math.log(vocab_size),
        loss_variation_nats=variation.sigma_nats * math.sqrt(c),
        smoothing_nats=smoothing_cost_nats(c),
        quantization_gap_nats=quantized.mean_loss_nats - unquantized.mean_loss_nats,
        complexity_per_token=per_token,
        loss_variation=variation,
        alpha=alpha,
        loss_range_nats=delta,
    )
