"""Loss variation: deviations of losses from the model's expectation, and their cost."""

import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, codes_of
from dashboard.analysis.bound.units import NATS
from dashboard.analysis.laws.fits import law_of, several_sizes
from dashboard.analysis.measured import variation
from dashboard.export import record
from dashboard.style.escaping import escaped
from dashboard.style.glossary import term_of
from dashboard.style.numbers import number_label
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import code_control, setting_control
from dashboard.ui.controls.registry import DELTA, UNIT
from dashboard.ui.controls.size import size_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, explanations, size_words
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.ui.page import frame
from dashboard.views.loss_variation import charts, sigma_section, words

#: Side of a square of the joint distribution; the shipped entropy bins are 0.25 wide.
SQUARE_NATS = 0.25

suite = frame.open_suite()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.others(suite)
with st.sidebar:
    setting, code = setting_control(suite), code_control(codes_of(suite))
    choice = Choice(setting, code, DELTA.ask(), "four_term").with_code(code)
    sigma = variation.sigma_by_size(suite, choice)
    size = size_control(sigma)
    model_id = size.model_id
views = compare.views(live(suite, choice, size.params), beside)
points = variation.objective(suite, choice, model_id)
effect = Losses.of(suite, variation.grid_effect(suite, choice, model_id), unit, model_id).table
joint = suite.joint_losses(choice.setting, model_id, SQUARE_NATS)

colour, name = term_of("loss_variation").colour, escaped(model_id)
certified = bool(sigma.set_index("model_id").loc[model_id, "certified"])
frame.title(suite, "Loss variation")
record.current().forms.append(explanations.form_of(choice))
caveats.not_certified(sigma)
words.introduction(suite.is_sampled)
law = law_of(sigma, "sigma_nats")
size_words.predicted(size, [("Σ", law, "nats/√nat")])
wide = st.container()
several = several_sizes(sigma)
# One number takes no half of a page.
first = [*st.columns(2)] if several else [st.container(), *st.columns(2)]
for_sigma, for_joint, for_objective, for_grid = [*first, *st.columns(2)][:4]
if several or len(views) > 1:
    with for_sigma if len(views) == 1 else wide:
        sigma_section.section(views, unit, size.at)
with for_sigma:
    if several:
        explanations.law_reading(law)
    else:
        value = number_label(sigma["sigma_nats"].iloc[-1])
        show.metric(for_sigma, "Σ, nats/√nat", value, f"of {name}")
    words.sigma_reading()
    caveats.remarks([view.suite for view in views])
with for_joint:
    below = subtitle(NATS.label, choice.setting.label, words.scored(suite.is_sampled))
    show.chart(charts.joint_losses(joint, SQUARE_NATS), f"Loss and entropy of {name}", below)
    words.joint_reading()
with for_objective:
    below = subtitle("nats/√nat", of_choice(choice))
    show.chart(charts.objective(points, colour), f"What Σ minimizes, {name}", below)
    words.objective_reading()
with for_grid:
    show.chart(
        charts.grid_effect(effect, colour, certified, unit),
        f"Bound over the size of the grid, {name}",
        subtitle(unit.label, of_choice(choice)),
    )
    words.grid_reading()
show.subheader("The data")
downloads.table(sigma, f"{suite.name}-sigma-{choice.setting.slug}")
frame.show_provenance(suite)
