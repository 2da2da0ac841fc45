"""Empirical Bernstein for martingales (Fan, Grama and Liu 2015; Howard et al. 2021, Theorem 4).

For A >= -1 and 0 <= s < 1,  exp(s*A - psi(s)*A^2) <= 1 + s*A  with  psi(s) = -ln(1-s) - s  (Fan et
al. 2015, inequality (4.11) and its use there).  With A_k = (Y_k - X_k)/Delta, Y predictable, the
product of exp(s*A_k - psi(s)*A_k^2 - s*E[A_k|F]) is a supermartingale that starts at 1, and the
steps of section 1 give

    R  <=  mean X  +  Delta * min over s in K of  [ psi(s) * mean A^2 + C ] / s,
    C = ln(|K|/delta)/D + L*ln 2/D.

It replaces the logarithm of the paper's inequality by its quadratic lower bound, so it is never
smaller than that one on the same grid.
"""

import numpy as np

from bounds.codes.complexity import PAPER_GRID_SIZE
from bounds.forms.result import RiskBound
from bounds.forms.shared.martingale import s_grid
from bounds.forms.shared.paper_smoothing import smooth_as_the_paper
from bounds.losses.token_losses import TokenLosses


def empirical_bernstein_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> RiskBound:
    """The bound with alpha = C/(1+C) and Y = H; arguments and errors as ``four_term_bound``."""
    paper = smooth_as_the_paper(
        quantized, code_bits, train_tokens, vocab_size, failure_probability, grid_size
    )
    c, delta, mixed = paper.per_token.total_nats, paper.loss_range_nats, paper.mixed
    square = mixed.mean(((mixed.entropy_nats - mixed.loss_nats) / delta) ** 2)
    s = s_grid(grid_size)
    psi = -np.log1p(-s) - s
    best = int(np.argmin((psi * square + c) / s))
    complexity_term = float(delta * c / s[best])
    variation_term = float(delta * psi[best] * square / s[best])
    return RiskBound(
        form="empirical_bernstein",
        total_nats=mixed.mean_loss_nats + complexity_term + variation_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=complexity_term,
        loss_variation_nats=variation_term,
        smoothing_nats=mixed.mean_loss_nats - quantized.mean_loss_nats,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=paper.per_token,
        alpha=paper.alpha,
        loss_range_nats=delta,
        parameters={"s": float(s[best]), "mean_square": square},
    )
