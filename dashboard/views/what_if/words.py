"""The text of the page *What if*: predictions, their intervals and their limits."""

import streamlit as st

from bounds import HeldOut
from dashboard.analysis.bound.terms import PREQUENTIAL
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law, Unfitted, held_out_of
from dashboard.analysis.laws.outlook import BOUND, GAP, Estimate, Outlook
from dashboard.style.glossary import CODE_LABELS, GAP_COLOUR, term_of, terms_in
from dashboard.style.numbers import count_label, delta_label, number_label
from dashboard.ui.drawing import show
from dashboard.ui.notes.explanations import beyond_guess, guess_of
from dashboard.ui.notes.size_words import badge
from dashboard.views.what_if.scenario import Scenario

#: Names of the number of terms of the gap: one more with sampling.
_NUMBERS = {4: "four", 5: "five"}


def interval_words(found: Estimate | None) -> str:
    """``0.811 to 1.502``."""
    return f"{number_label(found.low)} to {number_label(found.high)}" if found else "no law"


def headline(view: Outlook, n: float, scenario: Scenario, unit: Unit) -> None:
    """The prediction in four numbers, and its limits."""
    choice = scenario.choice
    setting = "unquantized" if choice.code == PREQUENTIAL else choice.setting.label
    show.markdown(
        f"**N = {count_label(n)}** parameters, D = "
        f"{count_label(scenario.tokens_per_parameter * n)} training tokens, "
        f"V = {scenario.vocab_size:,}, {setting}, code length *{CODE_LABELS[choice.code]}*, "
        f"δ = {delta_label(choice.failure_probability)}: {badge(n, view.smallest, view.largest)} "
        ":orange-badge[:material/warning: not certified]"
    )
    guess = guess_of(view, unit)
    bound = view.estimate(BOUND, n)
    numbers = (
        ("Predicted bound", bound, f"Sum of all terms, {unit.label}."),
        ("Predicted gap", view.estimate(GAP, n), f"Bound − training loss, {unit.label}."),
        (
            "Predicted training loss",
            view.estimate(("training_loss",), n),
            f"Of the unquantized model, {unit.label}.",
        ),
        (
            "Predicted C",
            view.estimate(("c_nats_per_token",), n),
            "Information in the model per training token, with the cost of confidence, in nats "
            "per token.",
        ),
    )
    for column, (label, found, help_text) in zip(st.columns(4), numbers, strict=True):
        value = f"≈ {number_label(found.value)}" if found else "—"
        note = f"95 %: {interval_words(found)}" if found else "no law"
        show.metric(column, label, value, note, help=help_text, border=True)
    text = (
        "Nothing was measured at this size, so **nothing here is certified**, for any code: a "
        "certificate needs the losses and the code of an existing model. Values are in "
        f"{unit.label}, C always in nats per token."
    )
    if bound and bound.high > guess:
        text += f" The bound's interval: {beyond_guess(guess)[0].lower()}{beyond_guess(guess)[1:]}"
    show.caption(text)


def left_out(view: Outlook, unit: Unit) -> None:
    """Terms without a law, with the reason and their measured size."""
    for key in view.without(BOUND):
        largest = view.terms[key].abs().max()
        show.warning(
            f"Bound and gap are shown **without** “{term_of(key).label}”, which is at most "
            f"{number_label(largest)} {unit.label} in the measured models. {view.laws[key]}",
            icon=":material/remove_circle:",
        )


def terms_table(view: Outlook, n: float, unit: Unit) -> None:
    """The terms at ``n`` in numbers, each with its law and the check on the largest model."""
    lines = [
        "| | term | predicted | 95 % prediction interval | law in N | largest model, left out |",
        "|---|---|--:|--:|---|---|",
    ]
    shown = terms_in(view.terms)
    for term in shown:
        name = f"**{term.label}**"
        lines.append(_row(view, n, (term.key,), name, term.colour))
    parts = f"sum of the {_NUMBERS[len(shown) - 1]} terms above"
    lines.append(_row(view, n, GAP, "**Gap**", "", parts))
    lines.append(_row(view, n, ("gap",), "Gap, by its own law", GAP_COLOUR))
    lines.append(_row(view, n, BOUND, "**Bound**", "", "gap and training loss"))
    show.markdown("\n".join(lines), unsafe_allow_html=True)
    show.caption(
        f"{unit.label.capitalize()}. Intervals are prediction intervals for a single model. They "
        "cover how well these few models determine a law of this shape (for sums jointly) and "
        "how a model scatters about it. They do not cover whether the shape continues. To check "
        "it, compare the gap as a sum with the gap by its own law, and change the shape. The "
        "last column fits the law without the largest model and predicts that model: its error, "
        "and whether the prediction interval contains the measured value."
    )


def _row(
    view: Outlook, n: float, keys: tuple[str, ...], name: str, colour: str, sum_of: str = ""
) -> str:
    found = view.estimate(keys, n)
    square = f"<span style='color:{colour};font-size:1.5em'>■</span>" if colour else ""
    held = held_out_of(view.terms, keys[0], view.floor) if len(keys) == 1 else None
    missing = ", ".join(f"“{term_of(key).label}”" for key in view.without(keys))
    if len(keys) > 1 and missing:
        name = f"{name}, without {missing}"
    law = view.laws[keys[0]]
    zero = len(keys) == 1 and isinstance(law, Unfitted) and found is not None
    shown = "0 in every measured model" if zero else sum_of or law_words(law)
    if view.without(keys) == [*keys] and keys[0] in BOUND:
        shown = "none, see above"
    value = "0" if zero else f"≈ {number_label(found.value)}" if found else "—"
    spread = "" if zero else interval_words(found)
    cells = (square, name, value, spread, shown, "" if zero else held_words(held))
    return "| " + " | ".join(cells) + " |"


def law_words(law: Law) -> str:
    """The law as a formula, or the reason for none."""
    if isinstance(law, Unfitted):
        return str(law)
    start = f"{_tex(law.offset)} + " if law.offset else ""
    return f"${start}{_tex(law.coefficient)}\\,N^{{{-law.exponent:.3f}}}$"


def _tex(value: float) -> str:
    digits, _, exponent = f"{value:.3g}".partition("e")
    return rf"{digits}\cdot10^{{{int(exponent)}}}" if exponent else digits


def held_words(held: HeldOut | Unfitted | None) -> str:
    """The error of the law of the smaller models."""
    if held is None:
        return ""
    if isinstance(held, Unfitted):
        return "—"
    inside = "inside" if held.inside else "**outside**"
    return f"{held.relative_error:+.1%}, {inside}".replace("-", "−")
