"""Freedman's inequality with a variance bound known in advance (Freedman 1975, Theorem 1.6)."""

import math

from bounds.checks import require_positive
from bounds.codes.complexity import complexity
from bounds.forms.result import RiskBound, require_every_token
from bounds.forms.shared.alpha_choice import ALPHA_CHOICE_BITS, best_over_alphas
from bounds.losses.smoothing import (
    loss_interval_nats,
    loss_range_nats,
    smoothed,
)
from bounds.losses.token_losses import TokenLosses


def freedman_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    alpha: float,
    variance_bound: float | None = None,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
) -> RiskBound:
    """R <= mean X^s + sqrt(2*v*C) + width*C/3  in Bernstein's form of Freedman's inequality.

    Args:
        alpha: smoothing weight, fixed in advance or paid for in ``code_bits``.
        variance_bound: v in nats^2, a number *known in advance* that the mean conditional
            variance of the smoothed losses cannot exceed.  Without one, width^2/4, which holds
            for any variable on an interval of that width (Popoviciu) and makes the bound weaker
            than Azuma-Hoeffding's.  A variance estimated from the same tokens is not allowed.

    Other arguments and errors: as ``four_term_bound``.
    """
    require_every_token(quantized, train_tokens)
    per_token = complexity(code_bits, train_tokens, failure_probability, grid_size=1)
    mixed = smoothed(quantized, alpha, vocab_size)
    low, high = loss_interval_nats(alpha, vocab_size)
    width = high - low
    v = width**2 / 4 if variance_bound is None else require_positive("variance", variance_bound)
    c = per_token.total_nats
    complexity_term, variation_term = width * c / 3.0, math.sqrt(2.0 * v * c)
    return RiskBound(
        form="freedman",
        total_nats=mixed.mean_loss_nats + complexity_term + variation_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=complexity_term,
        loss_variation_nats=variation_term,
        smoothing_nats=mixed.mean_loss_nats - quantized.mean_loss_nats,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=per_token,
        alpha=alpha,
        loss_range_nats=loss_range_nats(alpha, vocab_size),
        parameters={"variance_nats2": v},
    )


def chosen_freedman_bound(
    training_loss_nats: float, quantized: TokenLosses, *, code_bits: float, **arguments
) -> RiskBound:
    """``freedman_bound`` with the largest possible variance, at the best alpha of
    ``ALPHA_GRID``, whose choice is added to the code."""
    paid_bits = code_bits + ALPHA_CHOICE_BITS

    def bound_at(losses: TokenLosses, alpha: float) -> RiskBound:
        return freedman_bound(training_loss_nats, losses, alpha, code_bits=paid_bits, **arguments)

    return best_over_alphas(bound_at, quantized, arguments["train_tokens"])
