"""The text of the page *Overview*, for visitors who have not read the paper.

Statements about trends with size follow the laws of the shown numbers, and go no further.
"""

import pandas as pd
import streamlit as st

from bounds.printed import parts_text, upper_text
from dashboard.analysis.bound.gaps import gap_note
from dashboard.analysis.bound.units import BITS, NATS, Unit
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_text, too_few
from dashboard.style.badges import CERTIFIED, NOT_CERTIFIED
from dashboard.style.escaping import escaped
from dashboard.style.glossary import CODE_LABELS, GUARANTEE, TERMS, parameter_count
from dashboard.style.numbers import LARGE_RISE, delta_label, times_label
from dashboard.style.plural import agree, counted
from dashboard.style.rounded_up import UPPER
from dashboard.ui.drawing import show
from dashboard.ui.notes import progressive_words
from dashboard.views.overview.data import REFERENCE_DELTA, Overview
from dashboard.views.overview.trends import Trend, trend

PAPER = "https://arxiv.org/abs/2504.15208"

#: The smallest size that the paper measured.
PAPERS_SMALLEST = 70e6

_NAMES = {
    "total": "bound",
    "measured_train_loss": "training loss",
    "measured_heldout_loss": "held-out loss",
    "gap": "gap",
} | {term.key: term.label.lower() for term in TERMS}

_HEADINGS = {
    Trend.FALLS: "Falls as models grow",
    Trend.RISES: "Rises",
    Trend.FLAT: "No clear trend at these sizes",
    Trend.UNKNOWN: "Has no law",
}


def introduction(delta: float) -> None:
    """Definition of a generalization bound, and the paper's result."""
    show.markdown(
        "A **generalization bound** is a guarantee computed from the training text alone. With "
        f"probability {1 - delta:.12g} (δ = {delta_label(delta)}), the mean loss on a newly drawn "
        "next token, in the contexts of training, is at most this number. It "
        "is the training loss plus a **gap**, the cost of everything that the model may have "
        f"memorized. The paper ({PAPER}) finds that the gap shrinks with scale."
    )


def headline(view: Overview, unit: Unit) -> None:
    """The largest model, or the only one, in four numbers."""
    model = view.largest
    reason = model["not_certified_because"]
    size = f"{parameter_count(model['params_total'])} parameters"
    which = f", the largest model here ({size})," if len(view.ours) > 1 else f" ({size}),"
    show.markdown(
        f"**{escaped(model['model_id'])}**{which} in {unit.label}, at "
        f"{model['setting']}, *{CODE_LABELS[model['code']]}*: "
        + (NOT_CERTIFIED if reason else CERTIFIED)
    )
    other = NATS if unit.per_byte else BITS
    factor = other.of_nats(model["bytes_per_token"]) / unit.of_nats(model["bytes_per_token"])
    numbers = (
        (
            "Not a certificate" if reason else "The risk is at most",
            upper_text(model["total"]),
            f"{upper_text(model['total'] * factor)} {other.label}",
            f"{escaped(reason)[0].upper()}{escaped(reason)[1:]}." if reason else GUARANTEE,
        ),
        (
            "Training loss",
            f"{model['measured_train_loss']:.3f}",
            f"held-out {model['measured_heldout_loss']:.3f}",
            "Loss of the trained model on its training text; held-out loss of the quantized model "
            "or student on documents that it was not trained on.",
        ),
        (
            "Uniform guess",
            f"{unit.guess(model['vocab_size'], model['bytes_per_token']):.3f}",
            f"of V = {model['vocab_size']:,} tokens",
            "ln V, the loss of a uniform guess over the vocabulary: a bound above it is vacuous.",
        ),
        ("Gap", upper_text(model["gap"]), *_gained(view, model)),
    )
    for column, (label, value, note, help_text) in zip(st.columns(4), numbers, strict=True):
        show.metric(column, label, value, note, help=help_text)


def _gained(view: Overview, model: pd.Series) -> tuple[str, str]:
    """Our gap with the paper's, and the meaning of both."""
    meaning = "Bound − training loss: the cost of certainty."
    estimated, theirs = gap_note(model), view.papers_largest
    if estimated:
        return estimated, f"{meaning} The training loss is estimated from a sample."
    if theirs is None:
        return "in the paper's own form", meaning
    gap = upper_text(theirs["gap"])
    meaning += f" In the paper's form, {theirs['setting']}: {gap}."
    if not (model["certified"] and theirs["certified"]):
        return f"paper's terms: {gap}", meaning
    ratio = model["gap"] / theirs["gap"]
    how = f"{abs(1.0 - ratio):.0%} {'below' if ratio <= 1 else 'above'}"
    if ratio >= LARGE_RISE:
        how = f"{times_label(ratio)} times"
    return f"{how} the paper's {gap}", meaning


def trends(view: Overview, laws: dict[str, Law]) -> None:
    """Terms that shrink with size and terms that do not, as the intervals of the laws allow."""
    few = too_few(view.alike)
    if few:
        show.caption(f"{_bars(view)}{few}")
        return
    found = {key: trend(law) for key, law in laws.items()}
    lines = []
    for direction, heading in _HEADINGS.items():
        keys = [key for key, of_key in found.items() if of_key is direction]
        if keys:
            lines.append(f"**{heading}**: {', '.join(_squared(key) for key in keys)}.")
    show.markdown("  \n".join(lines), unsafe_allow_html=True)
    show.caption(f"{_bars(view)}{_caution(view, laws['gap'])}")


def _squared(key: str) -> str:
    """A quantity by name, a term after its colour."""
    colour = next((term.colour for term in TERMS if term.key == key), None)
    square = f"<span style='color:{colour}'>■</span>&nbsp;" if colour else ""
    return f"{square}{_NAMES[key].replace(' ', '&nbsp;')}"


def _bars(view: Overview) -> str:
    """How to tell the bars above apart."""
    frames = [frame for frame in (view.ours, view.paper) if len(frame)]
    hollow = not all(frame["certified"].all() for frame in frames)
    return "Hollow: not a certificate. " if hollow else ""


def _caution(view: Overview, gap: Law) -> str:
    """The evidence for the trends."""
    if isinstance(gap, Unfitted):
        return str(gap)
    times = PAPERS_SMALLEST / float(view.alike["params_total"].max())
    below = f", at least {times:,.0f} times below the paper's" if times > 1.5 else ""
    sizes = counted(view.alike["params_total"].nunique(), "size")
    of = " with a student" if len(view.alike) < len(view.ours) else ""
    return f"By 95 % intervals of exponents over {sizes}{of}{below}."


def claim_reading(view: Overview) -> None:
    """The caption of the main chart."""
    if view.best:
        delta = view.choice.failure_probability
        how = f"{agree(len(view.ours), 'At the', 'Each model at its own')} best measured setting"
        if delta != REFERENCE_DELTA:
            how += f" (best at δ = {REFERENCE_DELTA:g})"
        how += "; hover to see which"
        without = list(view.ours.loc[~view.ours.index.isin(view.alike.index), "model_id"])
        if without:
            how += f". Without a student: {escaped(', '.join(without))}"
    else:
        how = f"All at {view.ours['setting'].iloc[0]}"
    show.caption(f"{how}.")


def on_the_way(view: Overview, unit: Unit) -> None:
    """The bound during training, for the largest model."""
    delta = view.choice.failure_probability
    progressive_words.reading(view.on_the_way, view.largest["model_id"], delta, unit)


def missing(view: Overview) -> None:
    """Models without a bound."""
    if view.missing:
        where = "at any setting" if view.best else "at this setting"
        show.caption(
            f":material/hide_source: Not shown (no bound {where}): "
            f"**{escaped(', '.join(view.missing))}**. A bound needs the losses of the whole "
            "training text, or of windows drawn from it."
        )


def _printed(model: pd.Series, keys: list[str]) -> dict[str, str]:
    """Numbers of a model as text: bounds rounded up, and the terms of the gap add up to it."""
    terms = [term.key for term in TERMS if term.key in keys]
    text = {key: f"{model[key]:z.3f}" for key in keys}
    text |= {key: upper_text(model[key]) for key in UPPER if key in keys}
    text |= zip(terms, parts_text(list(model[terms]), model["gap"]), strict=True)
    return {key: value.replace("-", "−") for key, value in text.items()}


def laws_section(view: Overview, laws: dict[str, Law]) -> None:
    """The laws behind the trends, or the numbers themselves if there are no laws."""
    few, one = too_few(view.alike), view.alike["model_id"].nunique() == 1
    show.subheader("The numbers" if one else "How each number changes with model size")
    of = "student" if len(view.alike) < len(view.ours) else "model"
    heads = ["value"] if one else [f"smallest {of}", f"largest {of}"]
    heads += [] if few else ["law in N"]
    places = [-1] if one else [0, -1]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'--:|' * len(places)}{'' if few else '---|'}"]
    printed = [_printed(view.alike.iloc[p], list(laws)) for p in places]
    for key, law in laws.items():
        cells = [column[key] for column in printed]
        cells += [] if few else [exponent_text(law)]
        lines.append(f"| {_squared(key)} | {' | '.join(cells)} |")
    show.markdown("\n".join(lines), unsafe_allow_html=True)
