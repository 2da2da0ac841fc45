"""Figure 4: the spectrum of the Hessian over training."""

import altair as alt
import numpy as np
import pandas as pd

from bounds.curvature.spectrum import mean_and_error
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import curvature
from dashboard.style.glossary import parameter_count
from dashboard.views.curvature import charts
from dashboard.views.overview.trends import Trend, trend
from tools.results.ladder import Ladder
from tools.results.markdown import Part, bullets, findings, images, paragraphs
from tools.results.words import (
    CLEAR,
    Finding,
    Verdict,
    compared,
    counted,
    expected,
    number,
    percent,
    trend_words,
)

TITLE = "The spectrum of the Hessian over training"

#: Width of the Gaussian curves of the nodes, in decades: the page's own.
_BANDWIDTH = 0.2

#: An eigenvalue is large above this share of the largest, and they are few below that share.
_LARGE, _FEW = 0.01, 0.05

_PAPER = (
    "The paper shows the density of eigenvalues of the loss's Hessian of a Pythia model at "
    "several shares of its training. Its argument: the faster the spectrum decays, the smaller is "
    "$\\mathrm{Tr}(\\sqrt H)^2/n$ relative to $\\mathrm{Tr}(H)$ (here *evenness*, 1 for a flat "
    "spectrum), and the fewer bits a weight needs (QuIP)."
)


def part(ladder: Ladder) -> Part:
    """The figure, its description, and its findings."""
    heading = f"### Figure 4. {TITLE}"
    traces = curvature.traces(ladder.suite)
    points = curvature.whole_models(traces, "hessian")
    measured = {str(row["model_id"]): _nodes(ladder, row) for _, row in points.iterrows()}
    whole = {k: v for k, v in measured.items() if (v["train_fraction"] == 1.0).any()}
    if not whole:
        return Part(paragraphs(heading, _PAPER, "No spectrum was measured in this suite."))
    points = points[points["model_id"].isin(whole)]
    shown = _shown(points, whole)
    stems = dict(zip(("figure-4-small", "figure-4-large"), shown, strict=False))
    labels = {name: parameter_count(n) for name, n in _sizes(points).items()}
    found = _findings(points, whole)
    return Part(
        paragraphs(
            heading,
            _PAPER,
            _effort(points, [labels[name] for name in shown]),
            images(
                **{
                    stem.replace("-", "_"): f"Spectrum of the Hessian over training, {labels[name]}"
                    for stem, name in stems.items()
                }
            ),
            findings(found),
            _over_training(traces),
            "**Why, at this scale**",
            bullets(_why(ladder, points)),
        ),
        {stem: _chart(points, whole[name], name) for stem, name in stems.items()},
        found,
    )


def _sizes(points: pd.DataFrame) -> dict[str, int]:
    return {row.model_id: int(row.params_total) for row in points.itertuples()}


def _nodes(ladder: Ladder, point: pd.Series) -> pd.DataFrame:
    spectra = curvature.spectra(ladder.suite, str(point["model_id"]), "hessian")
    return curvature.at_point(spectra, point)


def _shown(points: pd.DataFrame, whole: dict[str, pd.DataFrame]) -> list[str]:
    """The smallest and the largest model with most shares of training."""
    counts = {name: nodes["train_fraction"].nunique() for name, nodes in whole.items()}
    most = max(counts.values())
    names = [str(name) for name in points["model_id"] if counts[str(name)] == most]
    return list(dict.fromkeys([names[0], names[-1]]))


def _effort(points: pd.DataFrame, sizes: list[str]) -> str:
    first = points.iloc[0]
    return (
        f"Here: {' and '.join(sizes)} parameters, {int(first['windows'])} training windows, "
        f"{int(first['probes'])} random vectors of {int(first['steps'])} Lanczos steps, the same "
        "at every share of the training. Bands are two standard errors over vectors. The method "
        "spreads eigenvalues near 0 to both sides."
    )


def _chart(points: pd.DataFrame, nodes: pd.DataFrame, name: str) -> alt.LayerChart:
    size = int(points.set_index("model_id").loc[name, "dimension"])
    threshold = curvature.linear_below(nodes)
    curves = curvature.densities(nodes, "train_fraction", _BANDWIDTH, threshold)
    fractions = {f: _share(f) for f in sorted(set(nodes["train_fraction"]))}
    chart = charts.spectra_over(curves, threshold, size, "train_fraction", fractions)
    return chart.properties(width=360, height=280, title=f"{parameter_count(size)} parameters")


def _share(fraction: float) -> str:
    return f"1/{1 / fraction:.0f}" if fraction < 1 else "trained"


def _findings(points: pd.DataFrame, whole: dict[str, pd.DataFrame]) -> tuple[Finding, ...]:
    return _concentrated(whole), _evenness(points)


def _concentrated(whole: dict[str, pd.DataFrame]) -> Finding:
    """Whether only few eigenvalues are large, in every model by two standard errors."""
    shares = []
    for nodes in whole.values():
        trained = nodes[nodes["train_fraction"] == 1.0]
        values = [
            p["weight"][p["ritz_value"] > _LARGE * p["ritz_value"].max()].sum()
            for _, p in trained.groupby("probe")
        ]
        shares.append(mean_and_error(np.array(values)) if len(values) > 1 else (values[0], 0.0))
    low, high = (percent(end([s for s, _ in shares]), 3) for end in (min, max))
    text = (
        f"In the paper few eigenvalues are large and nearly all are near 0. Here {low} to {high} "
        "of those of the trained models are above a hundredth of the largest"
    )
    if all(share + CLEAR * error < _FEW for share, error in shares):
        return Finding(Verdict.AGREES, f"{text}.")
    short = f"that few eigenvalues are large: up to {high} are above a hundredth of the largest"
    return Finding(Verdict.OPEN, f"{text}, not clearly fewer than {percent(_FEW, 0)}.", short)


def _evenness(points: pd.DataFrame) -> Finding:
    """Whether the evenness falls with size by both rules for eigenvalues near 0."""
    found = expected(
        Trend.FALLS,
        law_of(points, "evenness"),
        "By the paper's argument larger models, which need fewer bits, have a less even spectrum.",
        "the evenness",
    )
    other = law_of(points, "evenness_top")
    if trend(other) is trend(law_of(points, "evenness")):
        return found
    text = f"{found.text} By the other rule for eigenvalues near 0 it {trend_words(other)}."
    return Finding(Verdict.OPEN, text, "how the evenness of the spectrum changes with size")


def _over_training(traces: pd.DataFrame) -> str:
    """The change from the first share of the training to the end, without a verdict."""
    frame = curvature.over_training(traces, "hessian")
    words = {"higher": 0, "lower": 0, "not distinguished by two standard errors": 0}
    negative = []
    for _, rows in frame.groupby("model_id", sort=False):
        ordered = rows.sort_values("train_fraction")
        early, end = ordered.iloc[0], ordered.iloc[-1]
        if early["train_fraction"] == end["train_fraction"]:
            continue
        error = float(np.hypot(early["trace_se"], end["trace_se"]))
        words[compared(end["trace"] - early["trace"], error)] += 1
        negative.append((early["negative"], end["negative"]))
    if not negative:
        return ""
    early, end = np.array(negative).T
    said = "; ".join(f"{word} in {count}" for word, count in words.items() if count)
    return (
        f"Over training, of {counted(len(negative), 'model')}: compared with the first measured "
        f"state the trace at the end is {said}. Eigenvalues below 0 sum to "
        f"{percent(early.min(), 0)}–{percent(early.max(), 0)} of the trace at first and "
        f"{percent(end.min(), 0)}–{percent(end.max(), 0)} at the end."
    )


def _why(ladder: Ladder, points: pd.DataFrame) -> list[str]:
    models = points[["model_id"]].merge(ladder.models, on="model_id")
    shares = models["params_embedding"] / models["params_total"]
    first, last = points.iloc[0], points.iloc[-1]
    return [
        f"The evenness is {number(first['evenness'])} at the smallest and "
        f"{number(last['evenness'])} at the largest model if eigenvalues that are not resolved "
        f"count as 0, and {number(first['evenness_top'])} and {number(last['evenness_top'])} by "
        f"the other rule. It is known only up to that factor, because {int(last['steps'])} "
        "Lanczos steps do not resolve the many small eigenvalues.",
        f"Embeddings are {percent(shares.iloc[0], 0)} of the smallest and "
        f"{percent(shares.iloc[-1], 0)} of the largest model. Rows of bytes that are rare in the "
        "text have almost no curvature, so the composition of the models changes with their "
        "size, and the spectrum with it.",
    ]
