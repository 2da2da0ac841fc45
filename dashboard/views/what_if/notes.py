"""More words of the page *What if*: what is held fixed, the answer to a target, published laws."""

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

PREQUENTIAL_NOTE = (
    "The prequential code is of the trained model itself, before quantization: quantizer and "
    "bitrate play no role."
)


NOT_MEASURED = (
    "No model of this suite was measured at this choice: choose another code length or setting."
)


def held_fixed(view: Outlook, own_ratio: float) -> None:
    """What moves with the controls, and what is taken over as it was measured."""
    show.caption(
        f"**Held fixed**: the losses and the codes are those of the suite's training, at "
        f"{count_label(own_ratio)} tokens per parameter. Another ratio changes only what the "
        "code costs per token, another V only ln V and the largest possible loss."
    )
    with st.expander("What is computed and what is held fixed", icon=":material/help:"):
        show.markdown(
            "The bound of every measured model is computed anew with D = r·N and V, a law in N is "
            "fitted to each of its terms, and the laws are read at the chosen size. So bitrate, "
            "code, δ, form, r and V move the models' terms, the laws and the predictions alike.\n\n"
            "**Held fixed.** The losses are those of training at r = "
            f"{count_label(own_ratio)}: the training loss, the quantization gap and how losses "
            "scatter do not follow r, though a model trained on more tokens would have lower "
            "ones. The code keeps its measured length in bits for each model, and prequential "
            "information that of the suite's ratio, though it grows with D. Only what r does "
            "to C, and through C to the bound, is computed. V enters through ln V and the "
            "largest possible loss alone; another tokenizer would have other losses."
        )
    if not view.as_measured:
        show.caption(
            "The models' bars and points are **hollow**: their losses are measured, but not with "
            "this many training tokens or this vocabulary, so their bounds are computed for the "
            "sake of the laws and are not certificates either."
        )


def no_prediction(view: Outlook) -> None:
    """Why there is nothing to predict."""
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
    """How to tell measured from predicted in the stacked chart."""
    certified = bool(view.terms["certified"].all())
    kind = "solid" if certified else "outlined"
    show.caption(
        f"Models that exist are {kind}; the prediction is pale with dashed outlines, and the "
        "bracket on it is the 95 % prediction interval of the whole bound, for a single model (cut "
        "off where it would squeeze the chart). "
        + ("" if certified else "Outlined bars are not certificates.")
    )
    not_certified(view.terms, "Outlined bars")


def panels_reading() -> None:
    """How to tell measured from extrapolated in the panels."""
    show.caption(
        "Points are models, lines the laws with the 95 % bands of the laws themselves: "
        "solid over the measured sizes, dashed and paler where they are extrapolated. The diamond "
        "is the prediction, its bracket the 95 % prediction interval for a single model."
    )


def smallest_reading(found: SmallestSize, target: float, view: Outlook, unit: Unit) -> None:
    """The answer to the question turned round."""
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
        note += f" It does not stay there: at N = {limit} the laws give {end}."
    if math.isinf(found.low):
        spread = f"the 95 % interval of that size lies wholly beyond {limit}"
    else:
        spread = f"95 %: from {_size(found.low, view)} to {_size(found.high, view)}"
    show.caption(
        f"Where the law itself meets it, over resamples of the models: {spread}; "
        f"{found.reaching:.0%} of the resamples reach the target by N = {limit}.{note}"
    )


def second_opinion(own: SmallestSize | None, target: float, view: Outlook) -> None:
    """What the law of the gap itself answers, and which measured models are there already."""
    if view.as_measured:
        there = view.terms[view.terms["gap_nats"] <= target]
        for model in there.itertuples():
            show.markdown(
                f"**{escaped(model.model_id)} is there already**, measured: its gap is "
                f"{upper_text(model.gap_nats)}."
            )
    if own is None:
        return
    answer = (
        f"does not fall to it by {LARGEST:.0e}".replace("e+", "e")
        if math.isinf(own.n)
        else f"gives N ≈ {parameter_count(own.n)}"
    )
    low, high = _size(own.low, view), _size(own.high, view)
    show.caption(
        "A second opinion: one law fitted to the gap itself, in place of one for each of its "
        f"terms, {answer} (95 %: {low} to {high}). Both fit the measured models; where they "
        "differ, these few sizes cannot say which to trust."
    )


def _size(n: float, view: Outlook) -> str:
    if math.isinf(n):
        return f"beyond {LARGEST:.0e} (not reached)".replace("e+", "e")
    if n == view.smallest:
        return f"{parameter_count(n)}, the smallest measured, or below"
    return parameter_count(n)
