"""Curvature: spectra and traces of the loss's second derivatives, and the gaps they predict."""

import streamlit as st

from dashboard import controls, curvature, downloads, frame, predicted_gap
from dashboard import curvature_charts as charts
from dashboard import curvature_words as words
from dashboard.artifacts import ArtifactError
from dashboard.curvature import MATRICES
from dashboard.predicted_gap import PREDICTORS
from dashboard.terms import law_of

suite = frame.open_suite()
try:
    traces = curvature.traces(suite)
    measured = {key: label for key, label in MATRICES.items() if key in set(traces["matrix"])}
    if not measured:
        st.title("Curvature")
        st.info(
            "This suite holds no measurements of curvature. `make compute` takes those that its "
            "preset asks for.",
            icon=":material/inbox:",
        )
        st.stop()
    with st.sidebar:
        matrix = controls.matrix_control(measured, words.matrix_help())
        points = curvature.whole_models(traces, matrix)
        model_id = controls.model_control(list(points["model_id"]))
        bandwidth = controls.bandwidth_control()
        quantizers = predicted_gap.quantizers(suite)
        predicted = None
        if quantizers:
            label = controls.choice_control(
                "predicted", "Gap of the quantizer", list(quantizers), words.QUANTIZER_HELP
            )
            predicted = predicted_gap.predictions(suite, quantizers[label])
    nodes = curvature.spectra(suite, model_id, matrix)
    steps = curvature.by_steps(suite, model_id, matrix)
    probes = curvature.by_probes(suite, model_id, matrix)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

point = points[points["model_id"] == model_id].iloc[0]
threshold, size = curvature.linear_below(nodes), int(point["dimension"])
same_windows = nodes[nodes["windows"] == point["windows"]]
fractions = {f: words.share(f) for f in sorted(set(same_windows["train_fraction"]))}

st.title("Curvature")
controls.show_complaints()
words.introduction()
left, right = st.columns(2)
with left:
    st.markdown(f"**Spectrum of the {MATRICES[matrix]} matrix, {model_id}**")
    trained = same_windows[same_windows["train_fraction"] == 1.0]
    curve = curvature.densities(trained, "train_fraction", bandwidth)
    st.altair_chart(charts.spectrum(curve, threshold, size, matrix))
    words.spectrum_reading(point, matrix)
with right:
    st.markdown(f"**The same over training, {model_id}**")
    if len(fractions) > 1:
        curves = curvature.densities(same_windows, "train_fraction", bandwidth)
        st.altair_chart(charts.spectra_over(curves, threshold, size, "train_fraction", fractions))
    words.training_reading(fractions, matrix)

st.subheader("Over model size")
laws = {key: law_of(points, key) for key in ("trace", "trace_sqrt", "evenness")}
st.altair_chart(charts.by_size(points, laws, matrix), width="content")
words.size_reading(points, matrix)

st.subheader("Does curvature predict the quantization gap?")
if predicted is None:
    st.info("This suite has no clipped quantizer at two rates or more.")
else:
    agreements = predicted_gap.agreements(predicted)
    usable = [p.label for p in PREDICTORS if not isinstance(agreements[p.key], str)]
    if usable:
        shown = words.predictor_of(st.radio("Predicted from", usable, horizontal=True))
        constant = agreements[shown.key][0].constant
        scaled = predicted_gap.scaled(predicted, shown.key, constant)
        left, right = st.columns(2)
        left.altair_chart(charts.predicted(scaled))
        right.altair_chart(charts.ratio_by_bits(scaled))
        words.quadratic_reading(predicted_gap.jump_at_coarse_rates(scaled))
    words.agreement_table(agreements)
    words.prediction_reading(int(predicted["clear"].sum()), len(predicted))

st.subheader("Over training, and over the number of windows")
for over, column, title in (
    (curvature.over_training(traces, matrix), "train_fraction", "Share of training"),
    (curvature.over_windows(traces, matrix), "windows", "Training windows"),
):
    if over[column].nunique() > 1:
        left, right = st.columns(2)
        left.altair_chart(charts.traces_over(over, column, title, "trace", "Tr(A)"))
        right.altair_chart(charts.traces_over(over, column, title, "trace_sqrt", "Tr(√A)"))
    else:
        st.info(words.not_measured(title, matrix))
words.windows_reading()

st.subheader(f"At quantized weights: {model_id}")
settings = curvature.over_settings(traces, matrix)
words.settings_table(settings[settings["model_id"] == model_id])

st.subheader(f"How well are these numbers known? {model_id}")
left, right = st.columns(2)
with left:
    st.altair_chart(charts.convergence_in_steps(steps))
with right:
    st.altair_chart(charts.convergence_in_probes(probes))
words.convergence_reading(matrix)

st.subheader("The data")
tables = {"Traces": (traces, "curvature"), "Spectra": (nodes, f"{model_id}-{matrix}-spectra")}
if predicted is not None:
    tables["Predicted gaps"] = (predicted, f"{quantizers[label]}-predicted-gaps")
downloads.tables({tab: (table, f"{suite.name}-{name}") for tab, (table, name) in tables.items()})
frame.show_provenance(suite)
