"""Widgets of the page *Overview*: each model at its own best setting, or all at a chosen one."""

import streamlit as st

from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.inequalities import forms_of
from dashboard.ui.controls import links
from dashboard.ui.controls.controls import BEST, CHOSEN, bound_controls, delta_control
from dashboard.views.overview.data import PAPERS_FORM, Overview, at_best, at_choice, best_choice


def overview_control(suite: Suite, unit: Unit) -> Overview:
    """The claim for the current controls; every model at its own best setting by default.

    Raises:
        ArtifactError: no model has a bound at this choice, or files cannot be used.
    """
    options = [BEST, CHOSEN]
    links.check_link("settings", options, "“Setting of each model”")
    links.keep_possible("settings", options, BEST)
    chosen = st.segmented_control(
        "Setting of each model",
        options,
        default=BEST,
        required=True,
        key="settings",
        bind="query-params",
        on_change=_changed,
        help="**best measured**: each model at the quantizer and rate with its smallest gap, "
        "entropy-coded, in our form. The paper's form is at its own best rate of GPTQ, in "
        "the stored file. **as chosen**: all models and both forms at one setting and code "
        "of your choice.",
    )
    chosen = links.required(chosen)
    record.chosen("settings", "Setting of each model", chosen)
    if chosen == CHOSEN:
        view = at_choice(suite, bound_controls(suite), unit)
    else:
        view = at_best(suite, best_choice(suite, delta_control()), unit)
        record.current().forms.append(view.form)
    if len(view.paper):
        forms = forms_of(suite.is_sampled).values()
        record.current().forms += [form for form in forms if form.key == PAPERS_FORM]
    return view


def _changed() -> None:
    """Restore the choices of controls that were hidden on the page before."""
    links.forget_complaints()
    links.put_choices_back()
