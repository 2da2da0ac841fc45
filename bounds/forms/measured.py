"""The martingale inequality with measured smoothing (sections 1 and 5)."""

import math

from bounds.codes.complexity import PAPER_GRID_SIZE
from bounds.forms.result import RiskBound
from bounds.forms.shared.martingale import loss_variation
from bounds.forms.shared.paper_smoothing import smooth_as_the_paper
from bounds.losses.token_losses import TokenLosses


def measured_smoothing_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> RiskBound:
    """R <= mean X^s + Delta*C + Sigma*sqrt(C), alpha = C/(1+C), Y = H (Theorem 3.1).

    ``four_term_bound`` uses the upper bound C*ln V + sqrt(2*C) on the cost of smoothing;
    this form uses the exact mean X^s - mean X and Delta*C.  Its smoothing addend may be negative:
    mixing in the uniform distribution can lower a loss.

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    paper = smooth_as_the_paper(
        quantized, code_bits, train_tokens, vocab_size, failure_probability, grid_size
    )
    c, delta, mixed = paper.per_token.total_nats, paper.loss_range_nats, paper.mixed
    variation = loss_variation(mixed, delta, c, grid_size)
    variation_term = variation.sigma_nats * math.sqrt(c)
    return RiskBound(
        form="measured_smoothing",
        total_nats=mixed.mean_loss_nats + delta * c + variation_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=delta * c,
        loss_variation_nats=variation_term,
        smoothing_nats=mixed.mean_loss_nats - quantized.mean_loss_nats,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=paper.per_token,
        alpha=paper.alpha,
        loss_range_nats=delta,
        parameters={"sigma_nats": variation.sigma_nats, "s": variation.s},
    )
