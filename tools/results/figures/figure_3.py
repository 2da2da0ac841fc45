"""Figure 3: the information in a model, and the bound that it would give."""

import math

import pandas as pd

from bounds.laws.crossing import Crossing
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import PREQUENTIAL, bound_terms
from dashboard.analysis.laws.fits import Law, Unfitted, law_of
from dashboard.analysis.laws.outlook import Outlook
from dashboard.analysis.measured import information
from dashboard.charts.law_charts import term_laws
from dashboard.style.numbers import count_label
from dashboard.views.information.charts import bits_by_size, totals_by_code
from dashboard.views.overview.trends import Trend, trend
from tools.results.figures.setting import PAPER_BITS, PAPER_DELTA, papers_setting
from tools.results.ladder import Ladder
from tools.results.markdown import Part, bullets, findings, images, paragraphs
from tools.results.words import (
    Finding,
    Verdict,
    expected,
    interval_words,
    number,
    percent,
    trend_words,
)

TITLE = "Information in a model by prequential coding"

#: The paper's exponent of K(h) in N with its error, and where its law meets 4 bits a parameter.
PAPER_EXPONENT, PAPER_ERROR, PAPER_CROSSING = 0.5, 0.1, 2.25e10

#: How far beyond the largest model laws are drawn.
_REACH = 30.0

_PAPER = (
    "The paper measures the information $K(h)$ in each Pythia model by prequential coding, and "
    "the bits of its quantized weights. It extrapolates both laws to their crossing, and computes "
    "the bound and its terms with $K(h)$ instead of a code length. $K(h)$ is an estimate and "
    "**not a certificate**: hollow throughout."
)


def part(ladder: Ladder) -> Part:
    """The figure, its description, and its findings."""
    heading = f"### Figure 3. {TITLE}"
    models, setting = information.by_model(ladder.suite), papers_setting(ladder)
    if models.empty or setting is None:
        missing = (
            "No information was measured." if models.empty else "No setting of GPTQ has a bound."
        )
        return Part(paragraphs(heading, _PAPER, missing))
    codes = information.by_code(ladder.suite, setting)
    choice = ladder.choice(setting, "stored", "four_term", PAPER_DELTA)
    real = bound_terms(ladder.suite, choice)
    terms = bound_terms(ladder.suite, choice.with_code(PREQUENTIAL))
    found = _findings(models, codes, terms)
    charts = _charts(ladder, codes, real, terms)
    return Part(
        paragraphs(
            heading,
            _PAPER,
            f"Here: the online losses of every batch; {setting.label} for the other codes, the "
            f"paper's form at $\\delta$ = {PAPER_DELTA:g}. Solid where measured, dashed where "
            "extrapolated, dotted the paper's values for Pythia.",
            images(
                figure_3_information="Information in bits against model size, by code",
                figure_3_bounds="Bound against model size by the stored file and by K(h)",
            ),
            images(figure_3_terms="Terms of the bound under the prequential code")
            if "figure-3-terms" in charts
            else "",
            findings(found),
            "**Why, at this scale**",
            bullets(_why(models, real)),
        ),
        charts,
        found,
    )


def _charts(ladder: Ladder, codes: pd.DataFrame, real: pd.DataFrame, terms: pd.DataFrame) -> dict:
    reach = _REACH * float(codes["params_total"].max())
    laws = information.code_laws(codes, "total_bits")
    reported = information.reported(ladder.suite, reach, "total_bits")
    totals = pd.concat([real.assign(code="stored"), terms.assign(code=PREQUENTIAL)])
    charts = {
        "figure-3-information": bits_by_size(
            codes, laws, "total_bits", "Bits", reach, reported
        ).properties(width=360),
        "figure-3-bounds": totals_by_code(Losses.in_nats(totals).table).properties(width=330),
    }
    if len(terms):
        shown = Losses.in_nats(terms).table
        charts["figure-3-terms"] = term_laws(shown, Outlook.of(shown).laws)
    return charts


def _findings(
    models: pd.DataFrame, codes: pd.DataFrame, terms: pd.DataFrame
) -> tuple[Finding, ...]:
    found = [
        _sublinear(law_of(models, "k_bits")),
        expected(
            Trend.FALLS,
            law_of(models, "bits_per_parameter"),
            "So, in the paper, the information per parameter $K/N$ falls with size.",
            "the information per parameter K/N",
        ),
        _crossing(codes),
    ]
    if len(terms):
        found.append(
            expected(
                Trend.FALLS,
                law_of(terms, "gap_nats"),
                "So, in the paper, the gap of the bound with $K(h)$ falls with size, faster than "
                "with a fixed number of bits.",
                "the gap of the bound with K(h), not certified,",
            )
        )
    return tuple(found)


def _sublinear(law: Law) -> Finding:
    paper = (
        f"In the paper the information grows as $N^{{{PAPER_EXPONENT:g} \\pm {PAPER_ERROR:g}}}$, "
        "more slowly than the model."
    )
    if isinstance(law, Unfitted):
        return Finding(Verdict.OPEN, f"{paper} Here it has no law. {law}", "how K(h) grows")
    low, high = sorted(-end for end in law.exponent_interval)
    text = f"{paper} Here it grows as $N^{{{-law.exponent:.2f}}}$ ({interval_words(law)})"
    papers = (PAPER_EXPONENT - PAPER_ERROR, PAPER_EXPONENT + PAPER_ERROR)
    if high < 1.0:
        near = "" if high < papers[0] or low > papers[1] else ", as fast as there"
        return Finding(Verdict.AGREES, f"{text}: more slowly than the model{near}.")
    short = f"that K(h) grows more slowly than the model: {number(low, 2)} to {number(high, 2)}"
    if low > 1.0:
        return Finding(Verdict.DIFFERS, f"{text}: faster than the model.", short)
    steeper = "; but faster than in the paper" if low > papers[1] else ""
    text += f": whether more slowly than the model is undetermined{steeper}."
    return Finding(Verdict.OPEN, text, short)


def _crossing(codes: pd.DataFrame) -> Finding:
    met = information.crossings(information.code_laws(codes, "total_bits")).get("nominal")
    paper = (
        f"In the paper $K(h)$ falls below {PAPER_BITS} bits per parameter beyond "
        f"{count_label(PAPER_CROSSING)} parameters."
    )
    if not isinstance(met, Crossing):
        reason = met or "It was not measured."
        return Finding(Verdict.OPEN, f"{paper} {reason}", "where K(h) meets the quantized size")
    if not met.from_above:
        text = f"{paper} Here it is below already at the largest model."
        return Finding(Verdict.AGREES, text)
    short = "that K(h) falls below the size of the quantized model further on"
    share = percent(met.share_ahead, 0)
    if math.isfinite(met.n):
        text = (
            f"{paper} Here the laws would meet at {count_label(met.n)} parameters; they meet at "
            f"all in {share} of resamples. That is extrapolated."
        )
        return Finding(Verdict.OPEN, text, f"{short}: the laws meet in {share} of resamples")
    text = f"{paper} Here the laws do not meet beyond these sizes; in {share} of resamples they do."
    verdict = Verdict.DIFFERS if met.share_ahead < 0.025 else Verdict.OPEN
    return Finding(verdict, text, f"{short}: the laws meet in {share} of resamples")


def _why(models: pd.DataFrame, real: pd.DataFrame) -> list[str]:
    first, last = models.iloc[0], models.iloc[-1]
    excess = law_of(models, "excess_nats")
    text = [
        "$K/N$ is $D/N$ times the mean excess of the online over the final loss, in bits. $D/N$ is "
        f"the same everywhere, and the excess {trend_words(excess)}; it is "
        f"{number(first['excess_nats'])} nats at the smallest and {number(last['excess_nats'])} at "
        "the largest model."
    ]
    if trend(excess) is not Trend.FALLS:
        online, final = models["final_loss_nats"] + models["excess_nats"], models["final_loss_nats"]
        betas = models["data_exponent"].dropna()
        fitted = (
            f" Fitted to each model by itself, $\\beta$ is {number(betas.min(), 2)} to "
            f"{number(betas.max(), 2)}."
        )
        text.append(
            "The paper's argument assumes one law $E + B/d^\\beta$ of the online loss for all "
            f"sizes, under which the mean excess falls as $D^{{-\\beta}}$. Here every size has "
            f"its own final loss: it goes from {number(final.iloc[0])} to "
            f"{number(final.iloc[-1])}, and the mean online loss from {number(online.iloc[0])} to "
            f"{number(online.iloc[-1])}. This would happen if a small model soon reached the "
            "capacity of its few parameters and a larger one improved to the "
            f"end.{fitted if len(betas) else ''}"
        )
    held, stored = models["bits_per_parameter"], real["code_bits"] / real["params_total"]
    ends = f"{number(held.min(), 1)} to {number(held.max(), 1)} bits per parameter"
    files = f"{number(stored.min(), 1)} to {number(stored.max(), 1)} of the stored files"
    if held.min() > stored.max():
        text.append(
            f"$K(h)$ is {ends}, more than the {files}: at these sizes the quantized weights are "
            "the shorter description, and the bound with $K(h)$ is the worse one."
        )
    else:
        text.append(f"$K(h)$ is {ends}, compared with the {files}.")
    return text
