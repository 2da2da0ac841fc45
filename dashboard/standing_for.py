"""One sample of losses, or one training set, standing for another number of tokens."""

import math

import numpy as np

from bounds import TokenLosses


def standing_for(losses: TokenLosses, tokens: int) -> TokenLosses:
    """The same distribution of losses on another number of tokens, in all exactly ``tokens``.

    A bound wants its losses to cover every token, to the last one.  So the cells' weights are
    rounded to multiples of a step so small that float64 adds them up exactly in any order, and the
    largest takes the remainder; means move by less than 1e-12 of themselves.
    """
    if losses.total_tokens == tokens:
        return losses
    step = 2.0 ** (math.ceil(math.log2(tokens)) - 52)
    scaled = losses.tokens * (tokens / losses.total_tokens)
    weights = np.maximum(np.round(scaled / step), 1.0) * step
    weights[weights.argmax()] += tokens - weights.sum()
    return TokenLosses(losses.loss_nats, losses.entropy_nats, weights)
