"""Progressive validation: the bound on the mean risk during training (section 10).

Every batch is scored before it is trained on, so the model that predicts token k is a function of
earlier tokens: it is predictable, as W_k is in form (3).  The argument of ``forms.geometric`` holds
with the current model in place of the model of step 1,

    (1/D) sum E[X_k | F_(k-1)]  <=  mean W_k  -  exp( mean ln(W_k - X_k)  -  C ),

and there is one sequence of models, not a choice among many, so no code is paid for.  Choices made
after seeing the text are paid for, the control (alpha, w, c) and the training recipe:

    C  =  [ (log2 of the controls + bits of the recipe)*ln 2 + ln(1/delta) ] / D.

The left side is the mean risk of the models during training.  It does not cover
the final model, whose losses on text that it has been trained on are not predictable.
"""

from dataclasses import replace

from bounds.forms.geometric import ControlGrid, chosen_geometric_bound
from bounds.forms.result import RiskBound
from bounds.losses.token_losses import TokenLosses

#: Pays for one of 2^32 recipes: the learning rate to two significant digits and the windows of a
#: batch, which were found after seeing the text, take 20 bits; the rest is room for the schedule.
RECIPE_BITS = 32.0


def progressive_bound(
    online_loss_nats: float,
    online: TokenLosses,
    *,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    recipe_bits: float = RECIPE_BITS,
    grid: ControlGrid | None = None,
) -> RiskBound:
    """Form (3) for the models during training: the bound on their mean risk, each one smoothed.

    Args:
        online_loss_nats: exact mean of the online losses; the gap is counted from it.
        online: losses of all D training tokens, each scored before its batch was trained on, or
            their histogram, losses rounded up.
        train_tokens: D.
        vocab_size: V.
        failure_probability: delta, in (0, 1).
        recipe_bits: log2 of the training recipes that might have been chosen; 0 where the recipe
            was fixed before the text was seen.
        grid: of the controls that may be chosen.

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    if not recipe_bits >= 0.0:
        raise ValueError(f"recipe_bits is {recipe_bits}; it must be at least 0")
    bound = chosen_geometric_bound(
        online_loss_nats,
        online,
        code_bits=recipe_bits,
        train_tokens=train_tokens,
        vocab_size=vocab_size,
        failure_probability=failure_probability,
        grid=grid,
    )
    return replace(bound, form="progressive")
