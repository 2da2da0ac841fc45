"""Figure 2: the bound and the loss, the loss variation, and the terms."""

import math
from dataclasses import replace

import pandas as pd

from bounds.laws.published import published
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import variation
from dashboard.analysis.measured.curvature import traces, whole_models
from dashboard.charts.bound_charts import stacked_terms
from dashboard.charts.law_charts import law_panel
from dashboard.style.glossary import TERMS, term_of
from dashboard.style.numbers import count_label
from dashboard.views.overview.trends import Trend
from tools.results.charts import bound_and_losses
from tools.results.figures.setting import (
    PAPER_BITS,
    PAPER_DELTA,
    PYTHIA_VOCABULARY,
    nominal_complexity,
    papers_setting,
)
from tools.results.ladder import Ladder
from tools.results.markdown import Part, bullets, findings, images, paragraphs
from tools.results.words import (
    Finding,
    Verdict,
    counted,
    expected,
    listed,
    number,
    percent,
    trend_words,
)

TITLE = "The bound and the loss, loss variation, and the terms"

_PAPER = (
    "For Pythia from 70 million parameters on, quantized to {bits} bits by GPTQ and at $\\delta$ "
    "= {delta:g}, the paper shows three charts over model size: its bound and the training loss "
    "(left), the loss variation $\\Sigma$ (centre) and the terms of the bound (right)."
)

#: The paper's law of the loss variation in N.
_SIGMA = published("sigma_nats")[0]

#: From here on a point of the grid for s counts as one of its last.
_END_OF_GRID = 0.99


def part(ladder: Ladder) -> Part:
    """The figure, its description, and its findings."""
    heading = f"### Figure 2. {TITLE}"
    paper = _PAPER.format(bits=PAPER_BITS, delta=PAPER_DELTA)
    setting = papers_setting(ladder)
    if setting is None:
        return Part(paragraphs(heading, paper, "No setting of GPTQ has a bound in this suite."))
    choice = ladder.choice(setting, "stored", "four_term", PAPER_DELTA)
    terms = bound_terms(ladder.suite, choice)
    nominal = bound_terms(ladder.suite, replace(choice, code="nominal"))
    sigma = variation.sigma_by_size(ladder.suite, choice)
    law = law_of(sigma, "sigma_nats")
    found = _findings(terms, sigma)
    drawn = Losses.in_nats(terms).table
    guess = math.log(float(terms["vocab_size"].max()))
    colour = term_of("loss_variation").colour
    label = "Loss variation Σ"
    return Part(
        paragraphs(
            heading,
            paper,
            f"Here: {setting.label}, the paper's form, $\\delta$ = {PAPER_DELTA:g}. Filled points "
            "and bars use the stored file and are certified. The paper counts nominal bits, from "
            "which no decoder can work: hollow, not certified. Models are those of the first "
            "seed.",
            images(
                figure_2_bound="Bounds, held-out and training losses against model size",
                figure_2_sigma="Loss variation against model size with its power law",
            ),
            images(figure_2_terms="Terms of the bound stacked over model size"),
            findings(found),
            "**Why, at this scale**",
            bullets(_why(ladder, terms, nominal, sigma, choice)),
        ),
        {
            "figure-2-bound": bound_and_losses(terms, nominal, guess),
            "figure-2-sigma": law_panel(
                sigma, "sigma_nats", label, colour, law, unit="Σ, nats / √nat"
            ).properties(width=330, height=260),
            "figure-2-terms": stacked_terms(drawn, drawn, "").properties(width=560),
        },
        found,
    )


def _findings(terms: pd.DataFrame, sigma: pd.DataFrame) -> tuple[Finding, ...]:
    laws = {key: law_of(terms, key) for key in ("total_nats", "gap_nats", "quantization_gap_nats")}
    return (
        expected(
            Trend.FALLS,
            laws["total_nats"],
            "In the paper the bound falls with size, like the loss.",
            "the bound",
        ),
        _not_empty(terms),
        expected(
            Trend.FALLS,
            law_of(sigma, "sigma_nats"),
            f"In the paper the loss variation falls, as ${_SIGMA.formula}$.",
            "the loss variation Σ",
        ),
        expected(
            Trend.FALLS,
            laws["quantization_gap_nats"],
            "In the paper the quantization gap at fixed bits falls with size.",
            "the quantization gap",
        ),
        expected(
            Trend.FALLS,
            laws["gap_nats"],
            "So, in the paper, the gap between bound and training loss falls with size.",
            "the gap between bound and training loss",
        ),
        _largest_term(terms),
    )


def _not_empty(terms: pd.DataFrame) -> Finding:
    below = terms["total_nats"] < terms["vocab_size"].map(math.log)
    text = (
        "In the paper the bound is not vacuous: it is below the loss of a uniform guess. Here it "
        f"is for {int(below.sum())} of {counted(len(terms), 'model')}."
    )
    if below.all():
        return Finding(Verdict.AGREES, text)
    empty = listed(list(terms.loc[~below, "model_id"]))
    return Finding(Verdict.DIFFERS, text, f"the bound of {empty} is above that of a uniform guess")


def _largest_term(terms: pd.DataFrame) -> Finding:
    parts = [term for term in TERMS[1:] if term.key != "sampling"]
    shown = Losses.in_nats(terms).table
    largest = shown[[term.key for term in parts]].idxmax(axis=1)
    share = shown["complexity"] / shown["gap"]
    text = (
        "In the paper the complexity $C\\ln V$ is the largest term of the gap. Here it is "
        f"{percent(share.min(), 0)} to {percent(share.max(), 0)} of the gap"
    )
    if (largest == "complexity").all():
        return Finding(Verdict.AGREES, f"{text}, the largest at every size.")
    others = sorted({term_of(key).label.lower() for key in largest if key != "complexity"})
    short = f"that complexity is the largest term of the gap: at some sizes {listed(others)} is"
    return Finding(Verdict.DIFFERS, f"{text}; at some sizes {listed(others)} is larger.", short)


def _why(
    ladder: Ladder,
    terms: pd.DataFrame,
    nominal: pd.DataFrame,
    sigma: pd.DataFrame,
    choice: Choice,
) -> list[str]:
    text = [*_complexity(ladder, terms, nominal, choice.setting.bits), _rounding(ladder, terms)]
    return [*text, _sigma(sigma)]


def _complexity(
    ladder: Ladder, terms: pd.DataFrame, nominal: pd.DataFrame, nominal_bits: int
) -> list[str]:
    c, c_nominal = (f["complexity_nats"] / f["vocab_size"].map(math.log) for f in (terms, nominal))
    bits = terms["code_bits"] / terms["params_total"]
    alone = nominal_complexity(nominal_bits, ladder.suite.tokens_per_parameter())
    here = math.log(float(terms["vocab_size"].iloc[-1]))
    there, bytes_per_token = math.log(PYTHIA_VOCABULARY), float(terms["bytes_per_token"].mean())
    falling = ", and weigh more in a small model" if bits.iloc[0] > bits.iloc[-1] else ""
    text = [
        f"$C$ is {number(c.iloc[0])} nats per token at the smallest and {number(c.iloc[-1])} at "
        f"the largest model. {nominal_bits} bits per parameter alone would be {number(alone)}. "
        f"The files cost {number(bits.iloc[0], 2)} and {number(bits.iloc[-1], 2)} bits per "
        f"parameter, because they include scales and unquantized tensors{falling}. The complexity "
        "term "
        f"{trend_words(law_of(terms, 'complexity_nats'))}. Counted nominally, as in the paper, it "
        f"stays level by construction: $C$ = {number(c_nominal.iloc[0])} and "
        f"{number(c_nominal.iloc[-1])}.",
        f"A nat of $C$ costs $\\ln V$ = {number(here, 2)} nats here and {number(there, 2)} for "
        "Pythia's tokenizer: the same bits per parameter and tokens per parameter cost "
        f"{number(here / there, 2)} times as much per token.",
    ]
    if bytes_per_token < 2:
        text.append(
            f"Per byte it is the other way round. A token has {number(bytes_per_token, 1)} byte "
            "here and several with Pythia's tokenizer, so the same code is divided by several "
            "times less text. Nats per token of the two do not compare; trends do."
        )
    return text


def _rounding(ladder: Ladder, terms: pd.DataFrame) -> str:
    gaps = terms["quantization_gap_nats"]
    others = terms[[term.nats for term in TERMS[1:4]]].min(axis=1)
    smallest = " It is the smallest term at every size." if (gaps < others).all() else ""
    text = (
        f"The quantization gap is {number(gaps.iloc[0])} nats at the smallest and "
        f"{number(gaps.iloc[-1])} at the largest model.{smallest}"
    )
    points = whole_models(traces(ladder.suite), "hessian")
    if points.empty:
        return text
    return (
        f"{text} The trace of the Hessian, which determines the cost of a rounding error, "
        f"{trend_words(law_of(points, 'trace'))}; figure 5 has details."
    )


def _sigma(sigma: pd.DataFrame) -> str:
    first, last = sigma.iloc[0], sigma.iloc[-1]
    laws = [float(_SIGMA.value(row["params_total"], 0.0)) for row in (first, last)]
    text = (
        f"The paper's law of $\\Sigma$, fitted to sizes from {count_label(_SIGMA.smallest)} on, "
        f"would say {number(laws[0], 1)} at the smallest and {number(laws[1], 1)} at the largest "
        f"size here; measured are {number(first['sigma_nats'], 2)} and "
        f"{number(last['sigma_nats'], 2)}."
    )
    if laws[1] > 2 * last["sigma_nats"]:
        text += " It cannot be extrapolated down this far."
    if (sigma["s"] > _END_OF_GRID).all():
        text += (
            " With $C$ this large the minimum over $s$ is at the last points of the grid at every "
            "size: $\\Sigma\\sqrt C$ is no longer $\\sqrt{2C}$ times a standard deviation, as it "
            "is for small $C$."
        )
    return text
