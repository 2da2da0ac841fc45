"""C, alpha = C/(1+C) and X^s for the forms with the paper's smoothing weight."""

from dataclasses import dataclass

from bounds.codes.complexity import Complexity, complexity
from bounds.forms.result import require_every_token
from bounds.losses.smoothing import loss_range_nats, smoothed, smoothing_weight
from bounds.losses.token_losses import TokenLosses


@dataclass(frozen=True)
class PaperSmoothing:
    """The losses smoothed with a weight that depends only on the code length (Lemma 3.2).

    Attributes:
        per_token: C and its shares.
        alpha: C/(1+C).
        loss_range_nats: Delta = ln(V/alpha).
        mixed: losses X^s of the smoothed model.
    """

    per_token: Complexity
    alpha: float
    loss_range_nats: float
    mixed: TokenLosses


def smooth_as_the_paper(
    quantized: TokenLosses,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid_size: int,
) -> PaperSmoothing:
    """Smooth losses on all D training tokens with alpha = C/(1+C).

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    require_every_token(quantized, train_tokens)
    per_token = complexity(code_bits, train_tokens, failure_probability, grid_size)
    alpha = smoothing_weight(per_token.total_nats)
    return PaperSmoothing(
        per_token,
        alpha,
        loss_range_nats(alpha, vocab_size),
        smoothed(quantized, alpha, vocab_size),
    )
