"""The smoothing weight chosen from a grid that the code pays for."""

import math
from collections.abc import Callable

from bounds.forms.result import RiskBound, require_every_token
from bounds.grid_search import pattern_search
from bounds.losses.histogram import coarsened
from bounds.losses.smoothing import ALPHA_GRID
from bounds.losses.token_losses import TokenLosses

#: Bits that naming one weight of ``ALPHA_GRID`` adds to a code.
ALPHA_CHOICE_BITS = math.log2(len(ALPHA_GRID))


def best_over_alphas(
    bound_at: Callable[[TokenLosses, float], RiskBound], quantized: TokenLosses, train_tokens: int
) -> RiskBound:
    """The bound at a good weight, found on a coarsened histogram and computed on the full one.

    Args:
        bound_at: bound from losses and weight, which includes ``ALPHA_CHOICE_BITS``, so that
            any weight is valid.
        quantized: losses on all D training tokens.
        train_tokens: D.
    """
    require_every_token(quantized, train_tokens)
    coarse = coarsened(quantized)
    last = len(ALPHA_GRID) - 1
    (place,) = pattern_search(
        lambda index: bound_at(coarse, ALPHA_GRID[index[0]]).total_nats,
        (len(ALPHA_GRID),),
        ((last // 4,), (3 * last // 4,), (last,)),
    )
    return bound_at(quantized, ALPHA_GRID[place])
