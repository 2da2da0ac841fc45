"""Azuma-Hoeffding on tokens, as in Lotfi et al. 2024 (arXiv 2407.18158, Theorem 3.1)."""

import math

from bounds.codes.complexity import complexity
from bounds.forms.result import RiskBound, require_every_token
from bounds.forms.shared.alpha_choice import ALPHA_CHOICE_BITS, best_over_alphas
from bounds.losses.smoothing import (
    loss_interval_nats,
    loss_range_nats,
    smoothed,
)
from bounds.losses.token_losses import TokenLosses


def azuma_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    alpha: float,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
) -> RiskBound:
    """R <= mean X^s + width * sqrt(C/2),  width = ln(1 + (1-alpha)*V/alpha).

    The smoothed losses are in an interval of that width for any past, so their sum
    deviates from its conditional mean like one of bounded independent variables.  The bound does
    not depend on how much the losses vary.

    Args:
        alpha: smoothing weight, fixed in advance or chosen from a grid that ``code_bits``
            pays for.

    Other arguments and errors: as ``four_term_bound``.
    """
    require_every_token(quantized, train_tokens)
    per_token = complexity(code_bits, train_tokens, failure_probability, grid_size=1)
    mixed = smoothed(quantized, alpha, vocab_size)
    low, high = loss_interval_nats(alpha, vocab_size)
    complexity_term = (high - low) * math.sqrt(per_token.total_nats / 2.0)
    return RiskBound(
        form="azuma",
        total_nats=mixed.mean_loss_nats + complexity_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=complexity_term,
        loss_variation_nats=0.0,
        smoothing_nats=mixed.mean_loss_nats - quantized.mean_loss_nats,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=per_token,
        alpha=alpha,
        loss_range_nats=loss_range_nats(alpha, vocab_size),
    )


def chosen_azuma_bound(
    training_loss_nats: float, quantized: TokenLosses, *, code_bits: float, **arguments
) -> RiskBound:
    """``azuma_bound`` at the best alpha of ``ALPHA_GRID``, whose choice is added to the code."""
    paid_bits = code_bits + ALPHA_CHOICE_BITS

    def bound_at(losses: TokenLosses, alpha: float) -> RiskBound:
        return azuma_bound(training_loss_nats, losses, alpha, code_bits=paid_bits, **arguments)

    return best_over_alphas(bound_at, quantized, arguments["train_tokens"])
