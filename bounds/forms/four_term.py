"""The paper's bound: training loss plus four terms (section 4; paper, Theorem 3.4)."""

import math

from bounds.codes.complexity import PAPER_GRID_SIZE
from bounds.forms.result import RiskBound
from bounds.forms.shared.martingale import loss_variation
from bounds.forms.shared.paper_smoothing import smooth_as_the_paper
from bounds.losses.smoothing import smoothing_cost_nats
from bounds.losses.token_losses import TokenLosses


def four_term_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> RiskBound:
    """R <= R_hat(h) + C*ln V + Sigma*sqrt(C) + sqrt(2*C) + [R_hat(h_q) - R_hat(h)].

    Args:
        training_loss_nats: R_hat(h), mean training loss of the unquantized model.  The total
            does not depend on it: the quantization gap subtracts it.
        quantized: losses and entropies of the *decoded* h_q on the training set.
        code_bits: L(h), bits of a code for h_q; the bound is a certificate only if this is
            the length of a real prefix-free code.
        train_tokens: D.
        vocab_size: V.
        failure_probability: delta, in (0, 1).
        grid_size: |K|.

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    paper = smooth_as_the_paper(
        quantized, code_bits, train_tokens, vocab_size, failure_probability, grid_size
    )
    c, delta, mixed = paper.per_token.total_nats, paper.loss_range_nats, paper.mixed
    variation = loss_variation(mixed, delta, c, grid_size)
    complexity_term = c * math.log(vocab_size)
    variation_term = variation.sigma_nats * math.sqrt(c)
    smoothing_term = smoothing_cost_nats(c)
    return RiskBound(
        form="four_term",
        total_nats=quantized.mean_loss_nats + complexity_term + variation_term + smoothing_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=complexity_term,
        loss_variation_nats=variation_term,
        smoothing_nats=smoothing_term,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=paper.per_token,
        alpha=paper.alpha,
        loss_range_nats=delta,
        parameters={"sigma_nats": variation.sigma_nats, "s": variation.s},
    )
