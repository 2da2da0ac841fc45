"""Your losses: every form of the bound for token losses that a reader measured."""

import streamlit as st

from dashboard import (
    downloads,
    frame,
    own_bounds,
    own_controls,
    own_example,
    own_source,
    own_words,
    record,
    show,
)
from dashboard.errors import ArtifactError, UploadError
from dashboard.own_chart import stacked_forms
from dashboard.units import NATS

suite = frame.open_suite()
try:
    example = own_example.example_of(suite)
except ArtifactError as error:
    frame.show_error(error)
    frame.stop()
given, unit, complaints = [], NATS, []
with st.sidebar:
    use_example = own_source.example_control()
    try:
        given = own_controls.controls(example.values if use_example else {})
        unit = own_controls.unit_control(given)
    except UploadError as error:
        complaints.append(str(error))

frame.title(suite, "Your losses", of_suite=use_example)
own_words.introduction()
source, rows = None, None
try:
    source = own_source.source(suite, example if use_example else None)
    if source and isinstance(given, own_bounds.Given):
        found = own_bounds.bounds_of(source.columns, given)
        rows = own_bounds.rows(found, given, unit)
        record.current().forms += own_bounds.forms_of(found)
except UploadError as error:
    complaints.append(str(error))
own_words.privacy()
if not use_example:
    record.current().caveat = own_words.CAVEAT

if complaints:
    st.error(" ".join(complaints), icon=":material/error:")
elif rows is None:
    own_words.still_wanted(given, source)
else:
    guess = unit.guess(given.measurement.vocab_size, given.bytes_per_token or 1.0)
    own_words.headline(source, rows, given, unit)
    show.chart(stacked_forms(rows, guess, unit), "Every form of the bound, term by term")
    own_words.chart_reading(rows, given, guess, unit)
    own_words.certificate(rows)
    show.subheader("The terms in numbers")
    downloads.table(rows, "your-losses", unit, "Every form and term")

if source is None:
    own_words.wanted()
own_words.offer_example(suite, example)
frame.show_provenance(suite)
