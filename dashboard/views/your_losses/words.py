"""The text of the page *Your losses*: the file that is needed, and the meaning of the numbers."""

import math

import pandas as pd
import streamlit as st

from bounds.printed import upper_text
from dashboard.analysis.bound.gaps import gap_note
from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.suite import Suite
from dashboard.style.badges import CERTIFIED, NOT_CERTIFIED
from dashboard.style.escaping import quoted
from dashboard.style.plural import counted
from dashboard.ui.drawing import show
from dashboard.views.your_losses.bounds import Given
from dashboard.views.your_losses.example import Example, content_of
from dashboard.views.your_losses.file import MOST_MEGABYTES, MOST_ROWS
from dashboard.views.your_losses.source import Source

#: How to make such a file; a test runs it.
SNIPPET = """losses, entropies = [], []
for inputs, targets in batches:  # every training token once, by the model that a decoder restores
    logp = model(inputs).double().log_softmax(-1)
    losses.append(-logp.gather(-1, targets[..., None]).flatten())
    entropies.append(-(logp.exp() * logp).sum(-1).flatten())
table = {"loss_nats": torch.cat(losses).numpy(), "entropy_nats": torch.cat(entropies).numpy()}
pandas.DataFrame(table).to_parquet("losses.parquet")
"""

CAVEAT = "The file of losses is not stored, so anyone who opens the link has to upload it again."


def introduction() -> None:
    """The subject of the page, and the handling of the file."""
    show.markdown(
        "This page computes every form of the bound for token losses that you measured, like "
        "`python -m compute bound`."
    )


def privacy() -> None:
    """The handling of the file."""
    st.caption(
        ":material/lock: The file is read in this server's memory, only for you. It is not "
        "written to any disk or cache, and is dropped when you remove it or your visit ends. The "
        f"limits are {MOST_MEGABYTES} MB and {MOST_ROWS:,} rows."
    )


def wanted() -> None:
    """The content of a file, and how to make one."""
    st.subheader("What file do I need?")
    st.markdown(
        "Parquet, CSV or JSON, plain or compressed (gzip, zstd), recognized by content and not by "
        "name. Losses are natural logarithms, one for each token."
    )
    st.markdown(
        "| column | | content |\n|---|---|---|\n"
        "| `loss_nats` | required | $-\\ln$ of the probability that the **decoded, quantized** "
        "model gave to the token, in nats |\n"
        "| `logprob` or `token_logprobs` | alternative | $\\ln$ of that probability; `-logprob` is "
        "minus it |\n"
        "| `prompt_logprobs` | alternative | the JSON that vLLM returns: request "
        "`prompt_logprobs=0` and keep one record for each text, with its `window` |\n"
        "| `entropy_nats` | recommended | entropy of the prediction at that token, in nats: the "
        "control variate; without it losses are compared with a constant |\n"
        "| `tokens` | optional | number of times that a row occurs: a histogram of losses, rounded "
        "up, is as good as the losses and far smaller |\n"
        "| `window` | for a sample | the *draw* of the row: windows drawn independently and "
        "uniformly **with replacement**, with equally many rows; one drawn twice has two names "
        "|\n\n"
        "A cell may contain the list of a whole text. If the first log-probability in it is empty, "
        "that token is context and is not counted. "
        "Without `window`, the rows must cover **every** one of the $D$ training tokens once. "
        "Logs of lm-evaluation-harness have one sum for a whole text, so they cannot be used.\n\n"
        "In PyTorch:"
    )
    st.code(SNIPPET, language="python")


def offer_example(suite: Suite, example: Example) -> None:
    """The example for download."""
    st.caption(
        f"The example has real losses: {quoted(example.model_id)} at {example.setting.label}, as "
        "on the other pages. Download it and upload it again, or turn on *Show the example* in "
        "the sidebar."
    )
    st.download_button(
        "Download the example",
        lambda: content_of(suite, example),
        file_name=example.name,
        mime="application/vnd.apache.parquet",
        on_click="ignore",
        icon=":material/download:",
        key="own-example-file",
    )


def missing(given: Given | list[str], source: Source | None) -> None:
    """What is missing before there is anything to show, such as the fields in ``given``."""
    parts = [] if source else ["a file"]
    if isinstance(given, list):
        parts.append(f"in the sidebar {', '.join(f'*{label}*' for label in given)}")
    show.info(f"Missing: {'; '.join(parts)}.", icon=":material/edit:")


def headline(source: Source, rows: pd.DataFrame, given: Given, unit: Unit) -> None:
    """The file, whether the bounds are certificates, and the smallest of them in four numbers."""
    model, columns = given.measurement, source.columns
    if columns.is_sampled:
        draws = len(set(columns.window.tolist()))
        tokens = counted(len(columns.window) // draws, "token")
        kind = f"{counted(draws, 'drawn window')} of {tokens}"
    else:
        kind = "every training token"
    best = rows.iloc[0]
    badge = CERTIFIED if best["certified"] else NOT_CERTIFIED
    show.markdown(
        f"{quoted(source.name)}, {counted(len(columns.loss_nats), 'row')}, {kind}: "
        f"N = {model.params_total:,}, D = {model.train_tokens:,}, V = {model.vocab_size:,}, "
        f"L = {model.paid_bits:,.0f} bits ({model.paid_bits / model.params_total:.3f} per "
        f"parameter), δ = {model.failure_probability:g}. {badge}"
    )
    numbers = (
        (f"Bound, {best['form']}", upper_text(best["total"], 4), unit.label),
        ("Gap", upper_text(best["gap"], 4), gap_note(best) or "bound − training loss"),
        ("Training loss", f"{best['training_loss']:.4f}", unit.label),
        ("C", f"{best['c_nats_per_token']:.4f}", "nats per token"),
    )
    for column, (label, value, note) in zip(st.columns(4), numbers, strict=True):
        show.metric(column, label, value, note, border=True)


def certificate(rows: pd.DataFrame) -> None:
    """The conditions under which the bounds are certificates, or why they are not."""
    reason = rows["not_certified_because"].iloc[0]
    if reason:
        show.caption(
            f"{NOT_CERTIFIED} Hollow bars: {reason}. They show what such a code *would* certify. "
            "Choose *that of a real code* under *The code length is* if it is one."
        )
        return
    show.caption(
        f"{CERTIFIED} Assumes that L bits reconstruct exactly this model, with settings, scales "
        "and norms; that training passed over the text once; and that the losses are of the "
        "stated tokens. Entropies must be of the prediction made before the token was seen. This "
        "page cannot check these assumptions."
    )


def chart_reading(rows: pd.DataFrame, given: Given, guess: float, unit: Unit) -> None:
    """How the forms may be compared, and which of them are vacuous."""
    sampled = bool(rows["sampling"].any())
    forms = counted(len(rows), "form")
    text = (
        f"The {forms} share δ: you may quote the smallest. "
        if sampled
        else "Each form holds by itself. To quote the smallest one, add "
        f"log2({len(rows)}) = {math.log2(len(rows)):.2f} bits to L. "
    )
    text += f"The loss of a uniform guess is ln V = {guess:.4f} {unit.label}"
    above = list(rows.loc[rows["total"] >= guess, "form"])
    text += f", so above the dashed line a bound is vacuous: {', '.join(above)}." if above else "."
    if sampled:
        bound, sample = given.measurement.divided_delta
        text += (
            f" δ = {bound:g} for the inequality + {sample:g} for the sampling, both shared by "
            f"the {forms}. Half of the draws choose the parameters, the other half is evaluated."
        )
    show.caption(text)
