"""The words around the bound: what the numbers are, what is guaranteed, what each term means."""

import pandas as pd
import streamlit as st

from bounds import PowerLaw
from dashboard.terms import Choice
from dashboard.text import GUARANTEE, TERMS, parameter_count


def headline(model: pd.Series, choice: Choice) -> None:
    """The bound of the selected model in four numbers, and whether it is a certificate."""
    kind = (
        ":green-badge[:material/verified: certified]"
        if choice.certified
        else ":orange-badge[:material/warning: not certified]"
    )
    st.markdown(
        f"**{model['model_id']}** ({parameter_count(model['params_total'])} parameters, "
        f"{parameter_count(model['train_tokens'])} training tokens) at {choice.setting.label} "
        f"per weight, code length *{choice.code}*: {kind}"
    )
    numbers = (
        ("Bound", "total_nats", "nats per token", "The risk is at most this."),
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


def reading(choice: Choice) -> None:
    """What the chart shows and what it promises."""
    if choice.certified:
        st.caption(GUARANTEE.replace("$1-\\delta$", f"{1 - choice.failure_probability:.12g}"))
    else:
        st.caption(
            "Hollow bars: the nominal code length, bits × parameters, leaves out scales, norms and "
            "biases, so these totals are **no certificate**. Choose *Stored* for one."
        )


def terms_table(model: pd.Series, laws: dict[str, PowerLaw | str]) -> None:
    """The terms in numbers, with meaning, equation and law."""
    lines = [
        "| | term | nats per token | share | grows as | formula | what it means |",
        "|---|---|--:|--:|---|---|---|",
    ]
    for term in TERMS:
        value = model[term.key]
        law = laws[term.key]
        lines.append(
            f"| <span style='color:{term.colour};font-size:1.5em'>■</span> | **{term.label}** "
            f"| {value:.4f} "
            f"| {value / model['total_nats']:.1%} "
            f"| {_law_cell(law)} "
            f"| ${term.formula}$ | {term.meaning} *({term.source})* |"
        )
    lines.append(f"| | **Bound** | **{model['total_nats']:.4f}** | 100% | | | their sum |")
    st.markdown("\n".join(lines), unsafe_allow_html=True)


def _law_cell(law: PowerLaw | str) -> str:
    if isinstance(law, str):
        return "—"
    return f"$N^{{{-law.exponent:.3f}}}$"


def laws_reading(terms: pd.DataFrame) -> None:
    """How to read the laws."""
    st.caption(
        f"Least squares on log axes over the {len(terms)} measured sizes; bands and brackets are "
        "95 % bootstrap intervals over models. With so few sizes they are rough, and a law says "
        "nothing beyond the sizes it was fitted on. A term with a negative exponent shrinks as "
        "models grow along the compute-optimal frontier."
    )
