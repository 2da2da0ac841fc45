"""The bound from sampled windows, at one choice of the controls (section 6)."""

from functools import partial

from bounds import RiskBound
from bounds.forms.sampled import (
    Confidence,
    SummandGrid,
    choose_summand,
    paper_grid,
    sampled_bound,
)
from dashboard.artifacts.windows import SampledWindows
from dashboard.style.inequalities import SAMPLED, SAMPLED_AT_ENTROPY

#: Share of the failure probability that the draw of the windows may spend; the inequality has the
#: rest.  Fixed beforehand, and the same as in `python -m compute bound`.
SAMPLING_SHARE = 0.1

#: Forms that a reader may look at, each with a summand of its own.
FORMS_SHOWN = (SAMPLED, SAMPLED_AT_ENTROPY)

#: Bounds that a reader may look at for one setting: two real codes, each in every form.
SHOWN_OF_A_SETTING = 2 * len(FORMS_SHOWN)


def confidence(failure_probability: float, settings: int) -> Confidence:
    """How delta is divided, in a suite with so many settings that can be bounded.

    Every setting, code and form gets its part of the sampling's share, whichever is looked at, and
    every form its part of the inequality's, where the code pays for setting and code: so the best
    of all may be picked afterwards.
    """
    sample = SAMPLING_SHARE * failure_probability
    return Confidence(
        failure_probability - sample,
        sample,
        SHOWN_OF_A_SETTING * settings,
        forms_shown=len(FORMS_SHOWN),
    )


def bound_from_windows(
    windows: SampledWindows,
    form: str,
    training_loss_nats: float,
    training_loss_se_nats: float,
    *,
    settings: int,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
) -> RiskBound:
    """The summand chosen on the selection windows, the bound computed on the others.

    Args:
        form: ``SAMPLED`` or ``SAMPLED_AT_ENTROPY``.
        training_loss_nats, training_loss_se_nats: of the unquantized model, with standard error.
        settings: M, that the sampling's share of delta is divided among.

    Raises:
        ValueError: an argument is out of range.
    """
    split = confidence(failure_probability, settings)
    grid = (
        SummandGrid()
        if form == SAMPLED
        else paper_grid(code_bits, train_tokens, failure_probability)
    )
    common = {
        "code_bits": code_bits,
        "train_tokens": train_tokens,
        "vocab_size": vocab_size,
        "confidence": split,
    }
    draws = len(windows.evaluation.loss_nats)
    summand = choose_summand(windows.selection, grid, draws, **common)
    bound = partial(sampled_bound, windows.evaluation, summand, grid.choice_bits)
    trained = {
        "training_loss_nats": training_loss_nats,
        "training_loss_se_nats": training_loss_se_nats,
    }
    return bound(**trained, **common)
