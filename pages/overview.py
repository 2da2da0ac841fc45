"""Overview: what is guaranteed, what was measured, what shrinks with size, and where to go next."""

import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.registry import UNIT
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, seeds_note
from dashboard.ui.notes.subtitles import subtitle
from dashboard.ui.page import frame
from dashboard.ui.page.next_pages import next_pages
from dashboard.views.overview import charts, claim_section, words
from dashboard.views.overview.controls import overview_control

suite = frame.open_suite()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.pinned_alone()
with st.sidebar:
    view = overview_control(suite, unit)
views = compare.views(live(suite, view.choice), beside)

frame.title(suite, "Overview")
words.introduction(view.choice.failure_probability)
words.headline(view, unit)
laws = view.laws()
wide = st.container()
left, right = st.columns([5, 4])
with left if len(views) == 1 else wide:
    claim_section.section(views, unit)
with left:
    words.claim_reading(view)
    words.on_the_way(view, unit)
with right:
    gaps = charts.gap_by_term(view, unit, height=130)
    both = "ours beside the paper's form (pale)" if len(view.paper) else view.form.label
    show.chart(gaps, "What the gap is made of", subtitle(unit.label, both))
    words.trends(view, laws)
next_pages("overview")

caveats.not_certified(view.ours)
caveats.remarks([shown.suite for shown in views])
seeds_note.reading(view.seeds, unit)
words.missing(view)
words.laws_section(view, laws)
show.subheader("The data")
downloads.table(Losses(view.table, unit), f"{suite.name}-overview")
frame.show_provenance(suite)
