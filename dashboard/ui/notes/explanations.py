"""Text about the bound: the numbers, the guarantee, the meaning of each term."""

import math

import pandas as pd
import streamlit as st

from bounds import PowerLaw
from bounds.printed import parts_text, upper_text
from dashboard.analysis.bound.gaps import gap_note
from dashboard.analysis.bound.sampling import confidence as sampling_confidence
from dashboard.analysis.bound.steps import SAMPLING, STUDENTS_STEP
from dashboard.analysis.bound.terms import REQUENTIAL, Choice
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_text, too_few
from dashboard.analysis.laws.outlook import BOUND, GAP, Outlook
from dashboard.analysis.laws.ratios import Ratios
from dashboard.analysis.laws.sizes import ChosenSize
from dashboard.style.badges import CERTIFIED, NOT_CERTIFIED
from dashboard.style.escaping import escaped
from dashboard.style.glossary import (
    CODE_LABELS,
    GUARANTEE,
    QUESTIONS,
    parameter_count,
    term_of,
    terms_in,
)
from dashboard.style.inequalities import FORMS, SAMPLED, SAMPLED_FORM, Form
from dashboard.style.numbers import change_words, delta_label
from dashboard.style.plural import counted
from dashboard.style.rounded_up import UPPER
from dashboard.ui.drawing import show
from dashboard.ui.notes import size_words
from dashboard.ui.notes.caveats import not_certified


def headline(model: pd.Series, choice: Choice, unit: Unit) -> None:
    """The bound of the selected model in four numbers, and whether it is a certificate."""
    reason = model["not_certified_because"]
    kind = NOT_CERTIFIED if reason else CERTIFIED
    show.markdown(
        f"**{escaped(model['model_id'])}** ({parameter_count(model['params_total'])} parameters, "
        f"{parameter_count(model['train_tokens'])} training tokens), {choice.setting.label}, "
        f"code length *{CODE_LABELS[choice.code]}*: {kind}"
    )
    numbers = (
        (
            "Bound",
            "total",
            unit.label,
            "The risk is at most this." if not reason else f"Not a certificate: {escaped(reason)}.",
        ),
        (
            "Held-out loss",
            "measured_heldout_loss",
            f"± {model['measured_heldout_se']:.3f} standard error",
            "Mean loss of the quantized model, or of the student, on held-out documents, in "
            f"{unit.label}. The standard error assumes independent documents.",
        ),
        (
            "Training loss",
            # Of the same windows as the bound, so that the numbers add up.
            "training_loss" if choice.form == SAMPLED else "measured_train_loss",
            "before quantization",
            f"Mean loss of the unquantized model over the scored training tokens, in {unit.label}.",
        ),
        (
            "Gap",
            "gap",
            gap_note(model) or "bound − training loss",
            f"Cost of certainty, in {unit.label}.{_ESTIMATED_GAP * bool(gap_note(model))}",
        ),
    )
    for column, (label, key, note, help_text) in zip(st.columns(4), numbers, strict=True):
        value = upper_text(model[key]) if key in UPPER else f"{model[key]:.3f}"
        show.metric(column, label, value, note, help=help_text, border=True)


#: Help text about the error of an estimated gap.
_ESTIMATED_GAP = (
    " The bound covers all training windows, but the training loss is estimated from a sample. So "
    "the gap is an estimate with this standard error."
)


def predicted(view: Outlook, size: ChosenSize, unit: Unit) -> None:
    """Bound, gap and terms by the laws, at a size that was not measured."""
    rows = [
        ("Bound", BOUND),
        ("Gap", GAP),
        *((term.label, (term.key,)) for term in terms_in(view.terms)),
    ]
    size_words.predicted(
        size,
        [
            (label, view.estimate(keys, size.params) or view.laws[keys[-1]], unit.label)
            for label, keys in rows
        ],
    )
    bound = view.estimate(BOUND, size.params)
    if bound is None:
        return
    for key in view.without(BOUND):
        show.caption(f"Bound and gap lack “{term_of(key).label}”. {view.laws[key]}")
    guess = guess_of(view, unit)
    beyond = f" {beyond_guess(guess)}" if bound.high > guess else ""
    show.caption(
        "In the chart the prediction is pale with dashed outlines. Its bracket is the 95 % "
        "prediction interval of the whole bound, cut off if it would squeeze the chart."
        f"{beyond} The guarantee below covers only the bars of the measured models."
    )


def guess_of(view: Outlook, unit: Unit) -> float:
    """The loss of a uniform guess, by the largest vocabulary."""
    guesses = (unit.guess(t.vocab_size, t.bytes_per_token) for t in view.terms.itertuples())
    return max(guesses)


def beyond_guess(guess: float) -> str:
    """The sentence for laws of terms whose sum exceeds the loss of a uniform guess."""
    return (
        f"It exceeds {guess:.3f}, the loss of a uniform guess (ln V), where a bound is vacuous. "
        "The laws of the terms cannot all hold there, since the form trades its terms off "
        "against one another."
    )


_AND_DRAW = "and the draw of the scored windows"


def reading(choice: Choice, terms: pd.DataFrame) -> None:
    """The guarantee that the chart shows."""
    if terms["certified"].any():
        words = GUARANTEE.replace("$1-\\delta$", f"{1 - choice.failure_probability:.12g}")
        if choice.form == SAMPLED:
            words = words.replace("over the training text", f"over the training text {_AND_DRAW}")
        show.caption(words)
    not_certified(terms, "Hollow bars")
    if not choice.can_certify:
        show.caption("Choose *stored* or *entropy-coded* for a real code length.")


def form_of(choice: Choice) -> Form:
    """Name, formulas and idea of the chosen form."""
    known = (*FORMS, SAMPLED_FORM)
    return next(form for form in known if form.key == choice.form)


#: Decimals of the table of terms.
_TABLE_DIGITS = 4


def terms_table(model: pd.Series, laws: dict[str, Law], form: Form, unit: Unit) -> None:
    """The terms in numbers, with meaning, equation and law."""
    formulas = {
        "training_loss": r"\hat R(h)",
        "quantization_gap": r"\hat R(h_q) - \hat R(h)",
        **form.formulas,
    }
    known = any(isinstance(law, PowerLaw) for law in laws.values())
    grows, dashes, blank = (" grows as |", "---|", " |") if known else ("", "", "")
    lines = [
        f"| | term | {unit.label} | share |{grows} formula | meaning |",
        f"|---|---|--:|--:|{dashes}---|---|",
    ]
    terms, total = terms_in(model.to_frame().T), float(model["total"])
    values = parts_text([model[term.key] for term in terms], total, _TABLE_DIGITS)
    lines += [
        f"| <span style='color:{term.colour};font-size:1.5em'>■</span> | **{term.label}** "
        f"| {value.replace('-', '−')} | {_signed(model[term.key] / total, '.1%')} |"
        + (f" {_law_cell(laws[term.key])} |" if known else "")
        + f" ${formulas[term.key]}$ | {term.meaning} |"
        for term, value in zip(terms, values, strict=True)
    ]
    bound = upper_text(total, _TABLE_DIGITS)
    lines.append(f"| | **Bound** | **{bound}** | 100% |{blank} | their sum, rounded up |")
    show.markdown("\n".join(lines), unsafe_allow_html=True)
    show.caption(
        f"Form: *{form.label}* ({form.source}). {form.idea} "
        + (_SAMPLED_SYMBOLS if form.key == SAMPLED else _SYMBOLS)
        + "; docs/THEORY.md derives each form."
    )


_SYMBOLS = (
    "Bars are means over training tokens. Losses are rounded up to the edge of their bin (by some "
    "thousandths, which the smoothing includes). $X^s$ are the smoothed losses, and $Z = W - X^s$ "
    "is the slack below the ceiling $W$. $G$ is its geometric mean, and $w$ the width of the "
    "interval of smoothed losses"
)
_SAMPLED_SYMBOLS = (
    r"Bars are means over the evaluated windows, and $X^s$ the smoothed losses. $Y = \max(y_0, "
    r"cH)$ with the predictive entropy $H$, and $Z = Y - \ln(1 + \lambda(Y - X^s))/\lambda$ is "
    r"the summand of form (1). $U_{\delta_s/M}(Z)$ bounds its mean over *all* training windows "
    r"with probability $1 - \delta_s/M$ over the draw of the windows, by betting (Waudby-Smith "
    "and Ramdas 2024)"
)


def confidence(model: pd.Series, choice: Choice, settings: int) -> None:
    """The share of C that the failure probability has, and how sampling divides delta.

    Args:
        settings: number of settings of the suite that can be bounded.
    """
    delta = choice.failure_probability
    if choice.form == SAMPLED:
        split = sampling_confidence(choice.failure_probability, settings)
        show.caption(
            f"Of δ = {delta_label(choice.failure_probability)} the inequality has {split.bound:g} "
            f"and the draw of the windows {split.sample:g}. The share of the draw is divided "
            f"evenly among the M = {settings} settings that can be bounded here: "
            f"{split.per_setting:.2g} each, for two codes in two forms. The two forms also share "
            "that of the inequality. So the bound holds for any of them, even if it is "
            "selected afterwards. Only δ must be fixed in advance."
        )
        delta = split.per_form
    part = model["confidence_nats_per_token"]
    c = part + model["code_nats_per_token"]
    percent = 100 * part / c
    digits = max(0, 1 - math.floor(math.log10(percent)))
    shown = f"{percent:.{digits}f}" if percent > 1e-4 else f"{percent:.1e}"
    whole = f"{c:.4f}" if c >= 1e-3 else f"{c:.2g}"
    show.caption(
        f"Of $C$ = {whole} nats per token, δ = {delta:g} accounts for {part:.2g}, or {shown} %. δ "
        "enters only through its logarithm, which is divided by all $D$ = "
        f"{model['train_tokens']:,} training tokens."
    )


def steps_reading(steps: pd.DataFrame, model_id: str, choice: Choice, unit: Unit) -> None:
    """The caption of the waterfall."""
    certified = steps["certified"]
    status = "Every stage is a bound in its own right"
    if not certified.all():
        status = f"{'Hollow stages are' if certified.any() else 'Every stage is'} **not certified**"
    if choice.form == SAMPLED and choice.can_certify:
        status += (
            ": a gap subtracts a training loss that is estimated from the sample, and the first "
            "one treats the sample as the whole text"
        )
    first, last = steps["gap"].iloc[0], steps["gap"].iloc[-1]
    student = steps["step"].iloc[-1] == STUDENTS_STEP
    where = "the best stored file" if choice.code == REQUENTIAL else "the chosen setting"
    coding = ", then entropy coding" if choice.code in ("stored", REQUENTIAL) else ""
    show.caption(
        f"Each bar between the two ends is the change of the gap of {escaped(model_id)} by one "
        f"step at the same δ. First come the forms of the bound at {where}{coding}. The next step "
        "selects the quantizer and rate with the smallest measured gap, which the code's header "
        f"pays for.{_STUDENTS_STEP if student else ''} {status}. In total "
        f"the gap goes from {upper_text(first)} to {upper_text(last)} {unit.label}"
        f"{change_words(first, last)}.{_added(steps)}"
    )


_STUDENTS_STEP = (
    " The last one replaces the quantized model by a **requential student**. It never saw the "
    "training text, and it pays for what it took from its teacher (page *Information*)."
)


def _added(steps: pd.DataFrame) -> str:
    """Why the last gap may be larger than the first if the first treats a sample as complete."""
    rises = steps["gap"].iloc[-1] > steps["gap"].iloc[0]
    if not rises or not (steps["kind"] == SAMPLING).any():
        return ""
    return " The first bar leaves out the cost of sampling; more windows reduce that cost."


def questions() -> None:
    """Frequent questions with their answers."""
    with st.expander("Questions about this bound", icon=":material/help:"):
        for question, answer in QUESTIONS:
            st.markdown(f"**{question}** {answer}")


def _signed(value: float, form: str) -> str:
    """A number with a true minus sign, and none before a 0."""
    return f"{value:z{form}}".replace("-", "−")


def _law_cell(law: Law) -> str:
    if isinstance(law, Unfitted):
        return "—"
    return f"$N^{{{-law.exponent:.3f}}}$"


def law_reading(law: Law) -> None:
    """Exponent and interval of one law, or the reason for none."""
    if isinstance(law, Unfitted):
        show.caption(str(law))
        return
    show.caption(
        f"Power law: {exponent_text(law)}, with its bootstrap band over models; dashed where "
        "it is extrapolated."
    )


def laws_reading(terms: pd.DataFrame, ratios: Ratios) -> None:
    """How to read the laws of ``terms``, whose models have these tokens per parameter."""
    few = too_few(terms)
    if few:
        show.caption(few)
        return
    show.caption(
        f"Robust fits on log axes to {counted(terms['params_total'].nunique(), 'measured size')}. "
        "Bands are 95 % intervals of the laws from a bootstrap over models, widened for few "
        "models. The bracket of a size that was not measured is the prediction interval for a "
        "single model. The intervals are rough, and these data cannot validate an extrapolation. "
        f"A term with a negative exponent shrinks as models grow {along(ratios)}."
    )


def along(ratios: Ratios) -> str:
    """The line of training lengths, as text after “as models grow”."""
    if ratios.is_optimal:
        return "along the compute-optimal frontier"
    return f"at {'about ' if ratios.is_one else ''}{ratios.words}"
