"""Figure 5: the Hessian's traces over the number of training windows they are taken on."""

import altair as alt
import numpy as np
import pandas as pd

from dashboard.analysis.laws.fits import Unfitted, law_of
from dashboard.analysis.measured import curvature
from dashboard.views.curvature import charts
from dashboard.views.curvature.predicted_gap import PREDICTORS, agreements, predictions, quantizers
from tools.results.ladder import Ladder
from tools.results.markdown import Part, bullets, findings, images, paragraphs
from tools.results.words import (
    CLEAR,
    Finding,
    Verdict,
    counted,
    listed,
    number,
    trend_words,
)

TITLE = "Traces of the Hessian over subsample sizes"

_PAPER = (
    "The paper shows both traces, $\\mathrm{Tr}(H)$ and $\\mathrm{Tr}(\\sqrt H)$, estimated on "
    "growing subsamples of the data, to find out how many samples an estimate needs."
)

_SYMBOLS = {"trace": "Tr(H)", "trace_sqrt": "Tr(√H)"}
_UNITS = {"trace": "nats/token", "trace_sqrt": "√(nats/token)"}


def part(ladder: Ladder) -> Part:
    """The figure, its description, and its findings."""
    heading = f"### Figure 5. {TITLE}"
    traces = curvature.traces(ladder.suite)
    over = curvature.over_windows(traces, "hessian")
    several = over.groupby("model_id")["windows"].transform("nunique") > 1
    over = over[several]
    if over.empty:
        missing = "In this suite the Hessian was measured on one number of windows only."
        return Part(paragraphs(heading, _PAPER, missing))
    found = (*_settled(over), *_prediction(ladder))
    return Part(
        paragraphs(
            heading,
            _PAPER,
            f"Here: {counted(over['model_id'].nunique(), 'model')}; smaller sets of windows are "
            "part of the larger ones. Thick bars are two standard errors over random vectors, "
            "dotted lines end at the values of the other rule for eigenvalues near 0.",
            images(
                figure_5_trace="Trace of the Hessian against the number of windows",
                figure_5_root="Trace of the Hessian's root against the number of windows",
            ),
            findings(found),
            "**Why, at this scale**",
            bullets(_why(ladder, traces, over)),
        ),
        {
            f"figure-5-{stem}": _chart(over, key)
            for stem, key in (("trace", "trace"), ("root", "trace_sqrt"))
        },
        found,
    )


def _chart(over: pd.DataFrame, key: str) -> alt.LayerChart:
    label = f"{_SYMBOLS[key]}, {_UNITS[key]}"
    chart = charts.traces_over(over, "windows", "Training windows", key, label)
    return chart.properties(width=310)


def _settled(over: pd.DataFrame) -> list[Finding]:
    """Whether the last step in the number of windows changes an estimate by more than its error."""
    found = []
    for key, symbol in _SYMBOLS.items():
        moved, factors = [], []
        for name, rows in over.groupby("model_id", sort=False):
            ordered = rows.sort_values("windows")
            fewer, most = ordered.iloc[-2], ordered.iloc[-1]
            error = float(np.hypot(fewer[f"{key}_se"], most[f"{key}_se"]))
            if abs(most[key] - fewer[key]) > CLEAR * error:
                moved.append(str(name))
            factors.append(most[key] / fewer[key])
        ends = f"{number(min(factors), 2)} to {number(max(factors), 2)}"
        text = (
            f"On enough windows {symbol} no longer changes. Here the last step in their number "
            f"multiplies it by {ends}"
        )
        if not moved:
            text += ", within two standard errors of every model."
            found.append(Finding(Verdict.AGREES, text))
        else:
            text += f", more than two standard errors for {listed(moved)}."
            short = f"that {symbol} has converged at these windows: it still changes by {ends}"
            found.append(Finding(Verdict.OPEN, text, short))
    return found


def _prediction(ladder: Ladder) -> list[Finding]:
    """Whether the traces predict the quantization gap beyond the number of bits."""
    known = {}
    for label, key in quantizers(ladder.suite).items():
        for predictor, fit in agreements(predictions(ladder.suite, key)).items():
            if not isinstance(fit, Unfitted) and predictor != "bits_alone":
                known.setdefault(predictor, []).append((fit[0].within_r_squared, label))
    if not known:
        return []
    names = {predictor.key: predictor.label for predictor in PREDICTORS}
    top = max(known, key=lambda predictor: max(known[predictor]))
    shares = listed([f"{number(within, 2)} ({label})" for within, label in sorted(known[top])])
    clear = [names[p] for p, fits in known.items() if all(within > 0 for within, _ in fits)]
    text = (
        "The paper uses the traces to argue for quantizability: the gap should follow "
        "$\\mathrm{Tr}(\\sqrt H)^2/n$. Here, up to one constant and with the mean of each bitrate "
        f"subtracted, the best of the predictions, {names[top]}, explains this share of the "
        f"variance of the gap's logarithm: {shares}"
    )
    if clear:
        return [Finding(Verdict.AGREES, f"{text}; above 0 with every quantizer: {listed(clear)}.")]
    short = "that curvature predicts the quantization gap of one model relative to another's"
    text += (
        "; none is above 0 with every quantizer, so none is better than bit width alone throughout."
    )
    return [Finding(Verdict.DIFFERS, text, short)]


def _why(ladder: Ladder, traces: pd.DataFrame, over: pd.DataFrame) -> list[str]:
    text = [
        "Few windows give a low-rank matrix. For a matrix without negative eigenvalues the root's "
        "trace then grows with the number of windows until they represent the text. The Hessian "
        "also has noise of both signs near 0. The root counts half of it, and it shrinks with the "
        "number of windows."
    ]
    gauss_newton = curvature.over_windows(traces, "gauss_newton")
    factors = [
        rows.sort_values("windows")["trace_sqrt"].iloc[-1]
        / rows.sort_values("windows")["trace_sqrt"].iloc[0]
        for _, rows in gauss_newton.groupby("model_id")
        if rows["windows"].nunique() > 1
    ]
    if factors:
        text.append(
            "Of the Gauss–Newton matrix, which is never negative, the root's trace on the most "
            f"windows is {number(min(factors), 2)} to {number(max(factors), 2)} times that on the "
            "fewest."
        )
    points = curvature.whole_models(traces, "hessian")
    top = float((points["trace_sqrt_top"] / points["trace_sqrt"]).median())
    text.append(
        f"Over size $\\mathrm{{Tr}}(H)$ {trend_words(law_of(points, 'trace'))}, and "
        f"$\\mathrm{{Tr}}(\\sqrt H)$ {trend_words(law_of(points, 'trace_sqrt'))}. The root's "
        f"trace is known only up to a factor of about {number(top, 1)} (other rule, median over "
        "models)."
    )
    return text
