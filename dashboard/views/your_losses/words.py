"""The words of the page *Your losses*: what file is wanted, and what the numbers are worth."""

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
from dashboard.views.your_losses.example import Example, content
from dashboard.views.your_losses.file import MOST_MEGABYTES, MOST_ROWS
from dashboard.views.your_losses.source import Source

#: How such a file is made; a test runs it.
SNIPPET = """losses, entropies = [], []
for inputs, targets in batches:  # every training token once, by the model that a decoder restores
    logp = model(inputs).double().log_softmax(-1)
    losses.append(-logp.gather(-1, targets[..., None]).flatten())
    entropies.append(-(logp.exp() * logp).sum(-1).flatten())
table = {"loss_nats": torch.cat(losses).numpy(), "entropy_nats": torch.cat(entropies).numpy()}
pandas.DataFrame(table).to_parquet("losses.parquet")
"""

CAVEAT = "The file of losses is stored nowhere, so whoever opens the link has to give it again."


def introduction() -> None:
    """What the page does, and what becomes of the file."""
    show.markdown(
        "Token losses of any model, measured by you, become every form of the bound, as "
        "`python -m compute bound` prints them."
    )


def privacy() -> None:
    """What becomes of the file."""
    st.caption(
        ":material/lock: The file is read in this server's memory, for you alone: it is written to "
        "no disk and into no cache, and is dropped when you remove it or your visit ends. "
        f"At most {MOST_MEGABYTES} MB and {MOST_ROWS:,} rows are taken."
    )


def wanted() -> None:
    """What stands in a file, and how to make one."""
    st.subheader("What file?")
    st.markdown(
        "Parquet, CSV or JSON, plain or compressed (gzip, zstd): the content counts, not the name. "
        "Losses are natural logarithms, one for each token."
    )
    st.markdown(
        "| column | | what it holds |\n|---|---|---|\n"
        "| `loss_nats` | needed | $-\\ln$ of the probability that the **decoded, quantized** model "
        "gave to the token, in nats |\n"
        "| `logprob` or `token_logprobs` | or this | $\\ln$ of that probability; `-logprob` is "
        "minus it |\n"
        "| `prompt_logprobs` | or this | the JSON that vLLM returns: ask for `prompt_logprobs=0` "
        "and keep one record for each text, with its `window` |\n"
        "| `entropy_nats` | better with | entropy of the prediction at that token, in nats: the "
        "control variate; without it losses are compared with a constant |\n"
        "| `tokens` | optional | how often a row occurs: a histogram of losses is as good as the "
        "losses, rounded up, and far smaller |\n"
        "| `window` | for a sample | the *draw* that the row belongs to: windows drawn "
        "independently and uniformly **with replacement**, equally many rows each; one drawn twice "
        "has two names |\n\n"
        "A cell may hold the list of a whole text. If the first log-probability in it is empty, "
        "that token is context and is not counted. "
        "Without `window`, the rows must cover **every** one of the $D$ training tokens, once. "
        "Logs of lm-evaluation-harness have one sum for a whole text: they cannot be used.\n\n"
        "In PyTorch:"
    )
    st.code(SNIPPET, language="python")


def offer_example(suite: Suite, example: Example) -> None:
    """What the example is, to take away."""
    st.caption(
        f"The example holds real losses: {quoted(example.model_id)} at {example.setting.label}, "
        "as the other pages have them. Download it and upload it again, or turn on *Show the "
        "example* in the sidebar."
    )
    st.download_button(
        "Download the example",
        lambda: content(suite, example),
        file_name=example.name,
        mime="application/vnd.apache.parquet",
        on_click="ignore",
        icon=":material/download:",
        key="own-example-file",
    )


def still_wanted(given: Given | list[str], source: Source | None) -> None:
    """What has to be given before there is anything to show; ``given`` may say what is missing."""
    parts = [] if source else ["a file"]
    if isinstance(given, list):
        parts.append(f"in the sidebar {', '.join(f'*{label}*' for label in given)}")
    show.info(f"Missing: {'; '.join(parts)}.", icon=":material/edit:")


def headline(source: Source, rows: pd.DataFrame, given: Given, unit: Unit) -> None:
    """What was read, whether the bounds are certificates, and the first of them in four numbers."""
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
        (f"Bound, {best['form']}", upper_text(best["total_nats"], 4), unit.label),
        ("Gap", upper_text(best["gap_nats"], 4), gap_note(best) or "bound − training loss"),
        ("Training loss", f"{best['training_loss_nats']:.4f}", unit.label),
        ("C", f"{best['c_nats_per_token']:.4f}", "nats per token"),
    )
    for column, (label, value, note) in zip(st.columns(4), numbers, strict=True):
        show.metric(column, label, value, note, border=True)


def certificate(rows: pd.DataFrame) -> None:
    """Under which conditions the bounds are certificates, or why they are none."""
    reason = rows["not_certified_because"].iloc[0]
    if reason:
        show.caption(
            f"{NOT_CERTIFIED} Hollow bars: {reason}. They show what such a code *would* certify. "
            "Choose *that of a real code* under *The code length is* if it is one."
        )
        return
    show.caption(
        f"{CERTIFIED} Assumes that L bits reconstruct exactly the model whose losses these are, "
        "settings, scales and norms included; the training text was passed once; the losses are "
        "of the tokens that the file says; entropies are of the prediction, made before the token "
        "was seen. This page cannot check any of that."
    )


def chart_reading(rows: pd.DataFrame, given: Given, guess: float, unit: Unit) -> None:
    """How the forms may be compared, and which of them say something."""
    sampled = bool(rows["sampling_nats"].any())
    forms = counted(len(rows), "form")
    text = (
        f"The {forms} share δ: the smallest may be quoted. "
        if sampled
        else "Each form holds by itself. To quote whichever comes out smallest, make L larger by "
        f"log2({len(rows)}) = {math.log2(len(rows)):.2f} bits. "
    )
    text += f"A uniform guess costs ln V = {guess:.4f} {unit.label}"
    above = list(rows.loc[rows["total_nats"] >= guess, "form"])
    text += f", so above the dashed line a bound is vacuous: {', '.join(above)}." if above else "."
    if sampled:
        bound, sample = given.measurement.divided_delta
        text += (
            f" δ = {bound:g} for the inequality + {sample:g} for the sampling, both shared by "
            f"the {forms}. Half of the draws choose the parameters, the other half is evaluated."
        )
    show.caption(text)
