"""The words around the bound: what the numbers are, what is guaranteed, what each term means."""

import math

import pandas as pd
import streamlit as st

from bounds import PowerLaw
from dashboard import size_words
from dashboard.controls import delta_label
from dashboard.forms import FORMS, Form
from dashboard.laws import exponent_in_words
from dashboard.outlook import BOUND, GAP, Outlook
from dashboard.sizes import ChosenSize
from dashboard.terms import Choice
from dashboard.text import (
    CODE_LABELS,
    GUARANTEE,
    QUESTIONS,
    TERMS,
    parameter_count,
    term_of,
)


def headline(model: pd.Series, choice: Choice) -> None:
    """The bound of the selected model in four numbers, and whether it is a certificate."""
    kind = (
        ":green-badge[:material/verified: certified]"
        if choice.certified
        else ":orange-badge[:material/warning: not certified]"
    )
    st.markdown(
        f"**{model['model_id']}** ({parameter_count(model['params_total'])} parameters, "
        f"{parameter_count(model['train_tokens'])} training tokens), {choice.setting.label}, "
        f"code length *{CODE_LABELS[choice.code]}*: {kind}"
    )
    numbers = (
        (
            "Bound",
            "total_nats",
            "nats per token",
            "The risk is at most this."
            if choice.certified
            else "A trend: no code has this length.",
        ),
        (
            "Held-out loss",
            "measured_heldout_loss_nats",
            f"± {model['measured_heldout_se_nats']:.3f} standard error",
            "Mean loss of the quantized model on documents that were never trained on, in nats "
            "per token; the standard error takes whole documents as independent.",
        ),
        (
            "Training loss",
            "measured_train_loss_nats",
            "before quantization",
            "Mean loss of the unquantized model over every training token, in nats per token.",
        ),
        ("Gap", "gap_nats", "bound − training loss", "What certainty costs, in nats per token."),
    )
    for column, (label, key, note, help_text) in zip(st.columns(4), numbers, strict=True):
        column.metric(
            label,
            f"{model[key]:.3f}",
            delta=note,
            delta_color="off",
            delta_arrow="off",
            help=help_text,
            border=True,
        )


def predicted(view: Outlook, size: ChosenSize) -> None:
    """Bound, gap and terms by the laws, at a size that nobody measured."""
    rows = [("Bound", BOUND), ("Gap", GAP), *((term.label, (term.key,)) for term in TERMS)]
    size_words.predicted(
        size,
        [
            (label, view.estimate(keys, size.params) or view.laws[keys[-1]], "nats")
            for label, keys in rows
        ],
    )
    bound = view.estimate(BOUND, size.params)
    if bound is None:
        return
    for key in view.without(BOUND):
        st.caption(f"Bound and gap lack “{term_of(key).label}”. {view.laws[key]}")
    guess = math.log(float(view.terms["vocab_size"].max()))
    beyond = f" {beyond_guess(guess)}" if bound.high > guess else ""
    st.caption(
        "In the chart the prediction is pale with dashed outlines, its bracket the 95 % interval "
        f"of the whole bound, cut off where it would squeeze the chart.{beyond} The guarantee "
        "below is of the measured models' bars alone."
    )


def beyond_guess(guess: float) -> str:
    """What it means that laws of terms add up to more than a uniform guess costs."""
    return (
        f"It reaches above ln V = {guess:.3f}, what guessing every token alike costs: a bound up "
        "there says nothing, and laws fitted term by term cannot all hold there, since the form "
        "trades its terms off against one another."
    )


def reading(choice: Choice) -> None:
    """What the chart shows and what it promises."""
    if choice.certified:
        st.caption(GUARANTEE.replace("$1-\\delta$", f"{1 - choice.failure_probability:.12g}"))
    else:
        st.caption(
            "Hollow bars: the nominal code length, bits × weights, leaves out scales, norms and "
            "biases, so these totals are **no certificate**. Choose *stored* or *entropy-coded* "
            "for one."
        )


def form_of(choice: Choice) -> Form:
    """The words of the chosen form."""
    return next(form for form in FORMS if form.key == choice.form)


def terms_table(model: pd.Series, laws: dict[str, PowerLaw | str], form: Form) -> None:
    """The terms in numbers, with meaning, equation and law."""
    formulas = {
        "training_loss_nats": r"\hat R(h)",
        "quantization_gap_nats": r"\hat R(h_q) - \hat R(h)",
        **form.formulas,
    }
    lines = [
        "| | term | nats per token | share | grows as | formula | what it means |",
        "|---|---|--:|--:|---|---|---|",
    ]
    lines += [
        f"| <span style='color:{term.colour};font-size:1.5em'>■</span> | **{term.label}** "
        f"| {model[term.key]:.4f} | {model[term.key] / model['total_nats']:.1%} "
        f"| {_law_cell(laws[term.key])} | ${formulas[term.key]}$ | {term.meaning} |"
        for term in TERMS
    ]
    lines.append(f"| | **Bound** | **{model['total_nats']:.4f}** | 100% | | | their sum |")
    st.markdown("\n".join(lines), unsafe_allow_html=True)
    st.caption(
        f"Form: *{form.label}* ({form.source}). {form.idea} Bars are means over training tokens, "
        "losses rounded up to the edge of their bin (by some thousandths), $X^s$ the smoothed "
        "losses, $Z = W - X^s$ the slack below the ceiling $W$ and $G$ its "
        "geometric mean, $w$ the width of the interval of smoothed losses; docs/THEORY.md derives "
        "each form."
    )


def confidence(model: pd.Series, choice: Choice) -> None:
    """What share of C the failure probability has, and why it is small."""
    part = model["confidence_nats_per_token"]
    c = part + model["code_nats_per_token"]
    percent = 100 * part / c
    digits = max(0, 1 - math.floor(math.log10(percent)))
    st.caption(
        f"Of $C$ = {c:.4f} nats per token, certainty at δ = "
        f"{delta_label(choice.failure_probability)} accounts for {part:.2g}, or "
        f"{percent:.{digits}f} %: δ enters through its logarithm only, and that is shared out over "
        f"all $D$ = {model['train_tokens']:,} training tokens."
    )


def not_certified(choice: Choice) -> None:
    """A caveat where the chosen code length is that of no real code."""
    if not choice.certified:
        st.caption(
            ":orange-badge[:material/warning: not certified] The nominal code length leaves out "
            "scales, norms and biases: what follows shows the trend, and guarantees nothing."
        )


def steps_reading(steps: pd.DataFrame, model_id: str, choice: Choice) -> None:
    """What the waterfall says."""
    status = "a bound in its own right" if choice.certified else "**no certificate** (hollow)"
    first, last = steps["gap_nats"].iloc[0], steps["gap_nats"].iloc[-1]
    st.caption(
        f"Each bar between the two ends is what one step takes off (or adds to) the gap of "
        f"{model_id} at the same δ: the forms of the bound at the chosen setting"
        f"{', then entropy coding' if choice.code == 'stored' else ''}, last the quantizer and "
        f"rate where the gap is smallest of all measured, which the code's header pays for. Every "
        f"stage is {status}. In all the gap goes from "
        f"{first:.3f} to {last:.3f} nats per token, {1 - last / first:.0%} less."
    )


def questions() -> None:
    """What readers ask, answered in place."""
    with st.expander("Questions about this bound", icon=":material/help:"):
        for question, answer in QUESTIONS:
            st.markdown(f"**{question}** {answer}")


def _law_cell(law: PowerLaw | str) -> str:
    if isinstance(law, str):
        return "—"
    return f"$N^{{{-law.exponent:.3f}}}$"


def law_reading(law: PowerLaw | str) -> None:
    """Exponent and interval of one law, or why there is none."""
    if isinstance(law, str):
        st.caption(law)
        return
    st.caption(
        f"Power law: {exponent_in_words(law)}, with its bootstrap band over models; dashed where "
        "it leaves the measured sizes."
    )


def laws_reading(terms: pd.DataFrame) -> None:
    """How to read the laws."""
    st.caption(
        f"Robust fits on log axes to the {len(terms)} measured sizes; bands and brackets are "
        "95 % bootstrap intervals over models, widened for there being few. They are rough all the "
        "same, and nothing measured says that a law goes on. A term with a negative "
        "exponent shrinks as models grow along the compute-optimal frontier."
    )
