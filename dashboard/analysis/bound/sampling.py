"""The bound from sampled windows at one choice of the controls (section 6)."""

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

#: Share of the failure probability that the draw of the windows gets; the inequality has the
#: rest.  Fixed in advance, and the same as in `python -m compute bound`.
SAMPLING_SHARE = 0.1

#: Forms that a page can show, each with its own summand.
FORMS_SHOWN = (SAMPLED, SAMPLED_AT_ENTROPY)

#: Bounds that a page can show for one setting: two real codes, each in every form.
SHOWN_OF_A_SETTING = 2 * len(FORMS_SHOWN)


def confidence(failure_probability: float, settings: int) -> Confidence:
    """The division of delta in a suite in which so many settings can be bounded.

    Every setting, code and form gets its part of the sampling's share, even if it is not shown.
    Every form gets its part of the inequality's share; the code already pays for setting and code.
    So the best of all can be selected afterwards.
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
    """The bound with the summand chosen on the selection windows and evaluated on the others.

    Args:
        form: ``SAMPLED`` or ``SAMPLED_AT_ENTROPY``.
        training_loss_nats, training_loss_se_nats: of the unquantized model, with standard error.
        settings: M, the number of settings that share the sampling's part of delta.

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
