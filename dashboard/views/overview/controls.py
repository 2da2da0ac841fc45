"""Widgets of the page *Overview*: each model at its own best setting, or all at a chosen one."""

from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.inequalities import forms_of
from dashboard.ui.controls.bound import bound_controls
from dashboard.ui.controls.registry import CHOSEN, DELTA, SETTINGS
from dashboard.views.overview.data import PAPERS_FORM, Overview, at_best, at_choice, best_choice


def overview_control(suite: Suite, unit: Unit) -> Overview:
    """The claim for the current controls; every model at its own best setting by default.

    Raises:
        ArtifactError: no model has a bound at this choice, or files cannot be used.
    """
    if SETTINGS.ask() == CHOSEN:
        view = at_choice(suite, bound_controls(suite), unit)
    else:
        view = at_best(suite, best_choice(suite, DELTA.ask()), unit)
        record.current().forms.append(view.form)
    if len(view.paper):
        forms = forms_of(suite.is_sampled).values()
        record.current().forms += [form for form in forms if form.key == PAPERS_FORM]
    return view
