"""More text of the page *What if*: fixed quantities, the answer to a target, published laws."""

import math

import streamlit as st

from bounds.printed import upper_text
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Unfitted, too_few
from dashboard.analysis.laws.outlook import GAP, Outlook
from dashboard.analysis.laws.sizes import LARGEST
from dashboard.style.escaping import escaped
from dashboard.style.glossary import parameter_count, term_of
from dashboard.style.numbers import count_label, number_label
from dashboard.style.plural import agree, counted
from dashboard.ui.drawing import show
from dashboard.ui.notes.caveats import not_certified
from dashboard.ui.notes.size_words import badge
from dashboard.views.what_if.smallest_size import SmallestSize
from dashboard.views.what_if.words import interval_words

NOT_MEASURED = (
    "No model of this suite was measured at this choice: choose another code length or setting."
)


def held_fixed(view: Outlook, own_ratio: float) -> None:
    """Quantities that follow the controls, and quantities that keep their measured values."""
    show.caption(
        "**Held fixed**: the losses and the codes are those of the suite's training, at "
        f"{count_label(own_ratio)} tokens per parameter. Another ratio changes only the cost of "
        "the code per token, another V only ln V and the largest possible loss."
    )
    with st.expander("What is computed and what is held fixed", icon=":material/help:"):
        show.markdown(
            "The bound of every measured model is computed again with D = r·N and V. A law in N "
            "is fitted to each of its terms, and the laws are read at the chosen size. So "
            "bitrate, code, δ, form, r and V all change the models' terms, the laws and the "
            "predictions.\n\n**Held fixed.** The losses are those of training at r = "
            f"{count_label(own_ratio)}. The training loss, the quantization gap and the scatter "
            "of losses do not follow r. A model trained on more tokens would have lower "
            "losses. Each model's code keeps its measured length in bits. Prequential "
            "information stays that of the suite's ratio, though it grows with D. Only the "
            "effect of r on C, and through C on the bound, is computed. V enters only through ln "
            "V and the largest possible loss; another tokenizer would have other losses."
        )
    if not view.as_measured:
        show.caption(
            "The models' bars and points are **hollow**: their losses are measured, but not with "
            "this many training tokens or this vocabulary. Their bounds are computed only for the "
            "laws and are not certificates either."
        )


def no_prediction(view: Outlook) -> None:
    """The reason why nothing can be predicted."""
    few = too_few(view.terms, view.floor)
    reasons = (
        [few]
        if few
        else sorted({str(law) for law in view.laws.values() if isinstance(law, Unfitted)})
    )
    models = agree(len(view.terms), "this model", f"these {counted(len(view.terms), 'model')}")
    show.info(
        f"Nothing can be predicted from {models}. {' '.join(reasons)}", icon=":material/inbox:"
    )


def chart_reading(view: Outlook) -> None:
    """How to distinguish measurements and the prediction in the stacked chart."""
    certified = bool(view.terms["certified"].all())
    kind = "solid" if certified else "outlined"
    show.caption(
        f"Bars of existing models are {kind}; the prediction is pale with dashed outlines. Its "
        "bracket is the 95 % prediction interval of the whole bound for a single model, cut off if "
        "it would squeeze the chart. "
        + ("" if certified else "Outlined bars are not certificates.")
    )
    not_certified(view.terms, "Outlined bars")


def panels_reading() -> None:
    """How to distinguish measurement and extrapolation in the panels."""
    show.caption(
        "Points are models, lines are the laws with their 95 % bands: solid over the measured "
        "sizes, dashed and paler where they are extrapolated. The diamond is the prediction with "
        "the 95 % prediction interval for a single model."
    )


def smallest_reading(found: SmallestSize, target: float, view: Outlook, unit: Unit) -> None:
    """The smallest model that meets the target, as text."""
    missing = [term_of(key).label for key in view.without(GAP)]
    note = f" All without {', '.join(missing)}." if missing else ""
    end = f"{number_label(found.at_largest.value)} (95 %: {interval_words(found.at_largest)})"
    limit = f"{LARGEST:.0e}".replace("e+", "e")
    if found.n == view.smallest:
        answer = (
            f"By the laws, the gap is at most {count_label(target)} already at the smallest "
            f"measured model, N = {parameter_count(view.smallest)}."
        )
    elif math.isinf(found.n):
        answer = (
            f"By these laws the gap does **not** fall to {count_label(target)} {unit.label} by "
            f"N = {limit}; there they give {end}."
        )
    else:
        answer = (
            f"By these laws the gap first falls to {count_label(target)} {unit.label} at **N ≈ "
            f"{parameter_count(found.n)}**: {badge(found.n, view.smallest, view.largest)}"
        )
    show.markdown(answer)
    if math.isfinite(found.n) and found.at_largest.value > target:
        note += f" It does not stay below: at N = {limit} the laws give {end}."
    if math.isinf(found.low):
        spread = f"the 95 % interval of that size is completely beyond {limit}"
    else:
        spread = f"95 %: from {_size(found.low, view)} to {_size(found.high, view)}"
    show.caption(
        f"The size at which the law meets the target, over resamples of the models: {spread}. By "
        f"N = {limit}, {found.reaching:.0%} of the resamples reach the target.{note}"
    )


def second_opinion(own: SmallestSize | None, target: float, view: Outlook) -> None:
    """The answer of the law of the gap itself, and measured models that meet the target."""
    if view.as_measured:
        there = view.terms[view.terms["gap"] <= target]
        for model in there.itertuples():
            show.markdown(
                f"**{escaped(model.model_id)} already meets the target**, measured: its gap is "
                f"{upper_text(model.gap)}."
            )
    if own is None:
        return
    answer = (
        f"does not fall to the target by {LARGEST:.0e}".replace("e+", "e")
        if math.isinf(own.n)
        else f"gives N ≈ {parameter_count(own.n)}"
    )
    low, high = _size(own.low, view), _size(own.high, view)
    show.caption(
        f"A check: one law fitted to the gap itself, instead of one for each term, {answer} (95 "
        f"%: {low} to {high}). Both fit the measured models. If they differ, these few sizes "
        "cannot decide between them."
    )


def _size(n: float, view: Outlook) -> str:
    if math.isinf(n):
        return f"beyond {LARGEST:.0e} (not reached)".replace("e+", "e")
    if n == view.smallest:
        return f"{parameter_count(n)}, the smallest measured, or below"
    return parameter_count(n)
