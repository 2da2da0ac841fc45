"""Curvature: spectra and traces of the loss's second derivatives, and the gaps they predict."""

import streamlit as st

from dashboard.analysis.laws.fits import law_of, several_sizes
from dashboard.analysis.measured import curvature
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.style.escaping import escaped
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.registry import BANDWIDTH, MATRIX
from dashboard.ui.controls.size import size_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, size_words
from dashboard.ui.notes.subtitles import subtitle
from dashboard.ui.page import frame
from dashboard.views.curvature import (
    charts,
    effort_section,
    prediction_section,
    spectrum_section,
    words,
)

suite = frame.open_suite()
traces = curvature.traces(suite)
measured = {k: label for k, label in MATRICES.items() if curvature.is_measured(suite, k)}
if not measured:
    frame.title(suite, "Curvature")
    words.not_measured(*curvature.failed(suite))
    frame.stop()
beside = compare.pinned_alone()
with st.sidebar:
    matrix = MATRIX.ask({label: key for key, label in measured.items()})
    points = curvature.whole_models(traces, matrix)
    size = size_control(points)
    model_id = size.model_id
    bandwidth = BANDWIDTH.ask()
views = compare.views(live(suite, None, size.params), beside)
point = points[points["model_id"] == model_id].iloc[0]
nodes = curvature.at_point(curvature.spectra(suite, model_id, matrix), point)
steps = curvature.by_steps(suite, model_id, matrix)
probes = curvature.by_probes(suite, model_id, matrix)

symbol, dimension = words.SYMBOLS[matrix], int(point["dimension"])
threshold = curvature.linear_below(nodes)
fractions = {f: words.share(f) for f in sorted(set(nodes["train_fraction"]))}
frame.title(suite, "Curvature")
name = escaped(model_id)
laws = {key: law_of(points, key) for key in ("trace", "trace_sqrt", "evenness")}
size_words.predicted(size, words.predicted_rows(laws, symbol))
caveats.remarks([view.suite for view in views])
words.introduction()
wide = st.container()
left, right = st.columns(2)
with left if len(views) == 1 else wide:
    spectrum_section.section(views, bandwidth, f"Spectrum of the {MATRICES[matrix]} matrix, {name}")
with left if len(fractions) > 1 else right:
    words.spectrum_reading(point, matrix)
with right:
    if len(fractions) > 1:
        curves = curvature.densities(nodes, "train_fraction", bandwidth, threshold)
        show.chart(
            charts.spectra_over(curves, threshold, dimension, "train_fraction", fractions),
            f"The spectrum over training, {name}",
            subtitle(spectrum_section.SHARES, f"{MATRICES[matrix]} matrix"),
        )
        words.training_reading(fractions)
    else:
        words.no_training_reading(curvature.over_training(traces, matrix), matrix)

traces_heading = f"Traces of the {MATRICES[matrix]} matrix and its evenness"
if several_sizes(points):
    show.subheader("Over model size")
    panels = charts.by_size(points, laws, matrix, symbol, size.at)
    below = subtitle("units on the axes", "trained weights", "log axes")
    show.chart(panels, traces_heading, below, width="content")
else:
    show.subheader(traces_heading)
    words.traces_of_one(point, symbol)
words.size_reading(points, law_of(points, "trace_sqrt_top"), matrix)

show.subheader(f"How well are these numbers known? {name}")
left, right = st.columns(2)
with left:
    below = subtitle("√(nats per token)", f"{MATRICES[matrix]} matrix")
    heading = f"Tr(√{symbol}) over Lanczos steps"
    show.chart(charts.convergence_in_steps(steps, symbol), heading, below)
with right:
    below = subtitle("multiples of the mean over all vectors", f"{MATRICES[matrix]} matrix")
    heading = "Estimates over random vectors"
    show.chart(charts.convergence_in_probes(probes, symbol), heading, below)
words.convergence_reading(steps, matrix)

effort_section.section(traces, matrix, symbol)

show.subheader("Does curvature predict the quantization gap?")
tables = prediction_section.section(suite)

settings = curvature.over_settings(traces, matrix).loc[lambda t: t["model_id"] == model_id]
if len(settings) > 1:
    show.subheader(f"At quantized weights: {name}")
    words.settings_table(settings)

show.subheader("The data")
tables |= {"Traces": (traces, "curvature"), "Spectra": (nodes, f"{model_id}-{matrix}-spectra")}
downloads.tables({tab: (table, f"{suite.name}-{name}") for tab, (table, name) in tables.items()})
frame.show_provenance(suite)
