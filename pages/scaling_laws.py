"""Scaling laws: every quantity against model size, fitted, checked and extrapolated."""

import streamlit as st

from dashboard import controls, downloads, frame, frontier, frontier_charts, pythia, scaling
from dashboard import scaling_charts as charts
from dashboard import scaling_words as words
from dashboard.errors import ArtifactError
from dashboard.quantities import quantities
from dashboard.terms import bound_terms
from dashboard.text import TERMS

suite = frame.open_suite()
try:
    with st.sidebar:
        choice = controls.bound_controls(suite)
        found = {quantity.label: quantity for quantity in quantities(suite, choice)}
        label = controls.choice_control("quantity", "Quantity", list(found), words.QUANTITY_HELP)
        floor = controls.law_control()
        largest = float(suite.models()["params_total"].max())
        reach = size_controls.reach_control(largest)
    terms = bound_terms(suite, choice)
    overview = scaling.overview(list(found.values()), floor)
    reported = scaling.reported(suite, found[label], reach)
    curves, ends = frontier.loss_by_compute(suite), frontier.chosen(suite)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Scaling laws")
links.show_complaints()
words.introduction(len(suite.models()), largest)
quantity = found[label]
law, held = scaling.law_and_held_out(quantity, floor)
left, right = st.columns([3, 2])
with left:
    st.markdown(f"**{label}**")
    st.altair_chart(charts.detail(quantity, law, reach, reported))
with right:
    if not isinstance(law, str):
        st.markdown("**What the law leaves over**")
        st.altair_chart(charts.residuals(scaling.residuals(quantity, law), quantity.colour))
words.law_reading(quantity, law, held)
words.published_reading(quantity)

st.subheader(quantity.group)
beside = [other for other in found.values() if other.group == quantity.group]
laws = {other.label: scaling.law_and_held_out(other, floor)[0] for other in beside}
st.altair_chart(charts.panels(beside, laws, reach), width="content")

st.subheader("All laws")
st.dataframe(overview, hide_index=True, column_config=words.table_config())

st.subheader("The terms stacked and extrapolated")
stacked = scaling.stacked(suite, choice, floor, reach)
if len(stacked):
    st.altair_chart(charts.stacked(stacked, terms, choice.certified))
    shown = set(stacked["key"])
    words.stacked_reading([t.label for t in TERMS if t.key not in shown and terms[t.key].any()])
else:
    st.info("No term has a law: too few sizes were measured at this setting.")

st.subheader("Loss against compute, and the points chosen")
ratio = suite.tokens_per_parameter()
left, right = st.columns(2)
with left:
    if len(curves):
        st.altair_chart(frontier_charts.loss_by_compute(curves, ends))
    words.compute_reading(curves, ratio)
with right:
    st.altair_chart(frontier_charts.frontier(ends, pythia.choices(), ratio))
    words.frontier_reading(ratio)

st.subheader("The data")
name = f"{choice.form}-{choice.code}-{choice.setting.slug}"
downloads.tables(
    {
        "All laws": (overview, f"{suite.name}-laws-{name}"),
        label: (quantity.values, f"{suite.name}-values-{name}"),
        "Stacked terms": (stacked, f"{suite.name}-stacked-{name}"),
        "Loss by compute": (curves, f"{suite.name}-loss-by-compute"),
    }
)
frame.show_provenance(suite)
