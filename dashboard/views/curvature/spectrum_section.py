"""The spectrum of every view, and the traces of two in numbers."""

from dataclasses import dataclass

import pandas as pd

from dashboard.analysis.bound.units import NATS
from dashboard.analysis.measured import curvature
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.style.escaping import escaped
from dashboard.ui.beside import compare
from dashboard.ui.beside.columns import Columns, NothingThereError
from dashboard.ui.beside.differences import Number, Numbers
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.controls.registry import MATRIX
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.curvature import charts
from dashboard.views.curvature.words import SYMBOLS

#: What the table compares: column of ``curvature.whole_models``, label; H stands for the matrix.
_NUMBERS = (
    ("trace", "Tr, nats per token"),
    ("trace_sqrt", "Tr of the root, √(nats per token)"),
    ("evenness", "Evenness, Tr(√)² / (n·Tr)"),
)


#: Unit of a spectrum.
SHARES = "share of eigenvalues per decade"


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What a view shows: a row of ``curvature.whole_models`` and its quadratures over training."""

    matrix: str
    point: pd.Series
    nodes: pd.DataFrame

    @property
    def size(self) -> int:
        """Order of the matrix."""
        return int(self.point["dimension"])


def spectrum_of(view: View) -> Spectrum:
    """Of the view's matrix and its model nearest in size.

    Raises:
        NothingThereError: it was not measured.
        ArtifactError: files cannot be used.
    """
    matrix = MATRIX.options[view.said["matrix"]]
    points = curvature.whole_models(curvature.traces(view.suite), matrix)
    missing = NothingThereError("This matrix was not measured there.")
    if points.empty:
        raise missing
    point = points.set_index("model_id", drop=False).loc[nearest_model(points, view.size)]
    nodes = curvature.spectra(view.suite, point["model_id"], matrix)
    nodes = curvature.at_point(nodes, point)
    if not (nodes["train_fraction"] == 1.0).any():
        raise missing
    return Spectrum(matrix, point, nodes)


def section(views: list[View], bandwidth: float, alone: str) -> None:
    """The spectrum of every view, on the same axes, and their traces in numbers.

    Args:
        alone: title of the chart of one view.
    """
    columns = Columns.read(views, spectrum_of)
    spectra = columns.found.values()
    threshold = max((curvature.linear_below(s.nodes) for s in spectra), default=1.0)

    def curve(spectrum: Spectrum) -> pd.DataFrame:
        trained = spectrum.nodes[spectrum.nodes["train_fraction"] == 1.0]
        return curvature.densities(trained, "train_fraction", bandwidth, threshold)

    axes = charts.ends([(curve(spectrum), spectrum.size) for spectrum in spectra])
    columns.chart(
        "Spectrum",
        lambda s, span: charts.spectrum(curve(s), threshold, s.size, s.matrix, span and axes),
        lambda view, s: subtitle(
            SHARES, f"{MATRICES[s.matrix]} matrix" if len(views) > 1 else "", "trained weights"
        ),
        alone=alone,
    )
    if len(views) == 1:
        return
    show.caption("The same axes for both, and the same smoothing.")
    if columns.differences(_numbers, NATS, "estimate"):
        show.caption(
            "With standard errors over random vectors. Differences are of the view that follows "
            "the controls minus the kept one."
        )
    elif not compare.same_tokens(views, NATS):
        show.caption("The suites' tokens differ, so their traces per token do not compare.")


def _numbers(view: View, spectrum: Spectrum) -> Numbers:
    point = spectrum.point
    of = f"{SYMBOLS[spectrum.matrix]} of {escaped(point['model_id'])}"
    lines = {
        label: Number(float(point[key]), error=float(point[f"{key}_se"])) for key, label in _NUMBERS
    }
    return Numbers(f"{escaped(view.label)} ({of})", lines)
