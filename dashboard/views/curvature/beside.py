"""Spectra of two views side by side: another matrix, another model, another suite."""

from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import NATS
from dashboard.analysis.measured import curvature
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.artifacts.errors import ArtifactError
from dashboard.style.escaping import escaped
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.differences import Line
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.drawing import show
from dashboard.views.curvature import charts
from dashboard.views.curvature.words import SYMBOLS

#: What the table compares: column of ``curvature.whole_models``, label; H stands for the matrix.
_NUMBERS = (
    ("trace", "Tr, nats per token"),
    ("trace_sqrt", "Tr of the root, √(nats per token)"),
    ("evenness", "Evenness, Tr(√)² / (n·Tr)"),
)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What a view shows: a row of ``curvature.whole_models`` and its quadratures."""

    matrix: str
    point: pd.Series
    nodes: pd.DataFrame


def spectrum_of(view: View) -> Spectrum | None:
    """Of the view's matrix and its model nearest in size, None where it was not measured.

    Raises:
        ArtifactError: files cannot be used.
    """
    matrix = next(key for key, label in MATRICES.items() if label == view.said["matrix"])
    points = curvature.whole_models(curvature.traces(view.suite), matrix)
    if points.empty:
        return None
    point = points.set_index("model_id", drop=False).loc[nearest_model(points, view.size)]
    nodes = curvature.spectra(view.suite, point["model_id"], matrix)
    nodes = curvature.at_point(nodes, point)
    nodes = nodes[nodes["train_fraction"] == 1.0]
    return Spectrum(matrix, point, nodes) if len(nodes) else None


def section(views: list[View], bandwidth: float) -> None:
    """The spectrum of every view, on the same axes, and their traces in numbers."""
    found = {}
    for view in views:
        try:
            found[view.label] = spectrum_of(view)
        except ArtifactError:
            continue  # its column says so
    usable = {label: spectrum for label, spectrum in found.items() if spectrum}
    threshold = max((curvature.linear_below(s.nodes) for s in usable.values()), default=1.0)
    curves = {
        label: curvature.densities(s.nodes, "train_fraction", bandwidth, threshold)
        for label, s in usable.items()
    }
    span = charts.ends([(curves[label], int(s.point["dimension"])) for label, s in usable.items()])

    def draw(view: View) -> alt.TopLevelMixin | str:
        spectrum = usable.get(view.label) if view.label in found else spectrum_of(view)
        if spectrum is None:
            return "This matrix was not measured there."
        size = int(spectrum.point["dimension"])
        curve = curves[view.label]
        return charts.spectrum(curve, threshold, size, spectrum.matrix, span)

    compare.side_by_side(views, draw, "Spectrum")
    show.caption("The same axes for both, and the same smoothing.")
    kept = compare.kept_one(views)
    if kept is not None and {views[0].label, kept.label} <= usable.keys():
        _numbers([views[0], kept], usable)


def _numbers(pair: list[View], spectra: dict[str, Spectrum]) -> None:
    points = [spectra[view.label].point for view in pair]
    if not compare.same_tokens(pair, NATS):
        show.caption("The suites' tokens differ, so their traces per token do not compare.")
        return
    lines = []
    for key, label in _NUMBERS:
        values, errors = ([float(p[k]) for p in points] for k in (key, f"{key}_se"))
        lines.append(Line(label, *values, errors=(errors[0], errors[1])))
    heads = [
        f"{escaped(view.label)} ({SYMBOLS[spectra[view.label].matrix]} of {escaped(p['model_id'])})"
        for view, p in zip(pair, points, strict=True)
    ]
    differences.table(heads, lines, "estimate")
    show.caption(
        "With standard errors over random vectors. Differences are of the view that follows the "
        "controls minus the kept one."
    )
