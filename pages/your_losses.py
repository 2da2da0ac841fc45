"""Your losses: every form of the bound for uploaded token losses."""

import streamlit as st

from dashboard.analysis.bound.units import NATS
from dashboard.artifacts.errors import UploadError
from dashboard.export import record
from dashboard.style.numbers import delta_label
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.ui.page import frame
from dashboard.views.your_losses import bounds, controls, words
from dashboard.views.your_losses.chart import stacked_forms
from dashboard.views.your_losses.example import example_of
from dashboard.views.your_losses.source import chosen_source, example_control

suite = frame.open_suite()
example = example_of(suite)
given, unit, complaints = [], NATS, []
with st.sidebar:
    use_example = example_control()
    try:
        given = controls.controls(example.values if use_example else {})
        unit = controls.unit_control(given)
    except UploadError as error:
        complaints.append(str(error))

frame.title(suite, "Your losses", of_suite=use_example)
words.introduction()
source, rows = None, None
try:
    source = chosen_source(suite, example if use_example else None)
    if source and isinstance(given, bounds.Given):
        found = bounds.bounds_of(source.columns, given)
        losses = bounds.rows(found, given, unit)
        rows = losses.table
        record.current().forms += bounds.forms_of(found)
except UploadError as error:
    complaints.append(str(error))
words.privacy()
if not use_example:
    record.current().caveat = words.CAVEAT

if complaints:
    st.error(" ".join(complaints), icon=":material/error:")
elif rows is None:
    words.missing(given, source)
else:
    guess = unit.guess(given.measurement.vocab_size, given.bytes_per_token or 1.0)
    words.headline(source, rows, given, unit)
    delta = f"δ = {delta_label(given.measurement.failure_probability)}"
    heading = "Every form of the bound, term by term"
    show.chart(stacked_forms(rows, guess, unit), heading, subtitle(unit.label, delta))
    words.chart_reading(rows, given, guess, unit)
    words.certificate(rows)
    show.subheader("The terms in numbers")
    downloads.table(losses, "your-losses", "Every form and term")

if source is None:
    words.wanted()
words.offer_example(suite, example)
frame.show_provenance(suite)
