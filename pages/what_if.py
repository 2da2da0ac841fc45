"""What if: predicted terms of the bound at any size, and the smallest size for a target gap."""

import streamlit as st

from dashboard.analysis.bound import terms
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.laws.fits import several_sizes
from dashboard.analysis.laws.sizes import default_size
from dashboard.charts import law_charts
from dashboard.style.numbers import count_label
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import bound_controls, quantized_setting
from dashboard.ui.controls.registry import LAW, RATIO, TARGET, UNIT, VOCAB, N
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.ui.page import frame
from dashboard.views.what_if import bars_section, gap_chart, notes, published_laws, words
from dashboard.views.what_if import scenario as what_if
from dashboard.views.what_if.smallest_size import smallest_size

suite = frame.open_suite()
models = suite.models()
ratio, vocab = what_if.own_ratio(suite), int(models["vocab_size"].max())
with st.sidebar:
    unit = UNIT.ask()
beside = compare.pinned_alone()
with st.sidebar:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        n = N.ask(default_size(models))
    with right:
        r = RATIO.ask(f"{ratio:,.10g}")
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        v = VOCAB.ask(str(vocab), low=vocab)
    with right:
        target = TARGET.ask("0.5", label=f"Target gap, {unit.label}")
    codes = (*terms.codes_of(suite), terms.PREQUENTIAL)
    choice = bound_controls(suite, codes)
    bits = suite.bits_per_parameter(quantized_setting(suite))["nominal"]
    scenario = what_if.Scenario(choice, r, round(v), LAW.ask())
views = compare.views(live(suite, choice, n), beside, codes=codes)
view = what_if.outlook(suite, scenario, unit)

frame.title(suite, "What if")
if view is None:
    show.info(notes.NOT_MEASURED, icon=":material/inbox:")
    frame.stop()
found, at_n = smallest_size(view, target), f"N = {count_label(n)}"
if found is None:
    notes.no_prediction(view)
else:
    words.headline(view, n, scenario, unit)
    words.left_out(view, unit)
    bars_section.section(views, unit, view)
    notes.chart_reading(view)
caveats.remarks([shown.suite for shown in views])
if found is not None:
    notes.held_fixed(view, ratio)

if found is not None:
    show.subheader(f"The terms at {at_n}")
    words.terms_table(view, n, unit)

    show.subheader("How each term moves with model size")
    panels = law_charts.term_laws(view.terms, view.laws, unit, at=n)
    below = subtitle(unit.label, of_choice(choice))
    show.chart(panels, "Terms and gap, and their laws", f"{below}; log axes", width="content")
    notes.panels_reading()

    show.subheader(f"The smallest model whose gap is at most {count_label(target)}")
    notes.smallest_reading(found, target, view, unit)
    notes.second_opinion(smallest_size(view, target, ("gap",)), target, view)
    chart = gap_chart.gap_over_size(view, found, target, unit)
    heading = f"Gap by the laws, and the target {count_label(target)}"
    show.chart(chart, heading, f"{below}; log axes", width="stretch")

show.subheader("What published laws say here")
published = published_laws.values_at(suite, n, r, round(v))
published_laws.table(published)
here = published_laws.information_per_token(bits, n, r, choice.failure_probability)
published_laws.reading(here, n, scenario, several_sizes(models))

show.subheader("The data")
tables = {"Prediction": (what_if.predictions(view, n, unit), "what-if")} if found else {}
tables |= {
    "Models": (Losses(view.terms, unit), "what-if-models"),
    "Published laws": (published, "published"),
}
downloads.tables({tab: (table, f"{suite.name}-{name}") for tab, (table, name) in tables.items()})
frame.show_provenance(suite)
