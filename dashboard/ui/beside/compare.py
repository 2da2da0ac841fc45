"""The views that a page shows: the one that follows the controls, a pinned one, other suites."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import catalog
from dashboard.analysis.bound.terms import OFFERED
from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.escaping import escaped
from dashboard.ui.beside import pinned
from dashboard.ui.beside.view import View, labelled, nearest_view, parts
from dashboard.ui.controls.registry import COMPARE
from dashboard.ui.drawing import show


@dataclass(frozen=True)
class Beside:
    """Views to compare with the chosen one.

    Attributes:
        suites: other ones, at the setting nearest to the controls.
        place: in the sidebar, of the button that pins a view.
    """

    suites: list[Suite]
    place: DeltaGenerator


def pinned_alone() -> Beside:
    """Reserve the button on a page that shows a pinned view with the live one, but no other suites.

    Call it at the place of the button among the controls.
    """
    return Beside([], st.sidebar.container())


def others(suite: Suite) -> Beside:
    """In the sidebar, the suites to compare with and the button to pin a view.

    A suite that cannot be opened is named and left out.
    Call it on pages that compare, before their own controls.
    """
    names = [name for name in catalog.suite_names() if name != suite.name]
    chosen = []
    if names:
        with st.sidebar:
            chosen = COMPARE.ask(names)
    found = []
    for name in chosen:
        try:
            found.append(catalog.open_by_name(name))
        except ArtifactError as error:
            _left_out(f"The suite “{escaped(name)}”", error)
    record.current().suites += found
    return Beside(found, st.sidebar.container())


def views(live: View, beside: Beside, codes: Sequence[str] = OFFERED) -> list[View]:
    """The live view first, then the pinned one if it differs, then other suites, with labels.

    Other suites are at the setting nearest to the controls. Labels are distinct.
    Call it after the last control and before the title, which shows errors of a link.

    Args:
        codes: as for ``pinned.pin_control``.
    """
    found = [live]
    try:
        one_pinned = pinned.pin_control(live, beside.place, codes)
        found += [one_pinned] if one_pinned else []
    except ArtifactError as error:
        _left_out("The pinned view", error)
    for other in beside.suites:
        try:
            view = nearest_view(live, other)
        except ArtifactError as error:
            _left_out(f"The suite “{escaped(other.name)}”", error)
            continue
        if all(parts(view).items() - parts(there).items() for there in found[1:]):
            found.append(view)  # the pinned view may be the same
    return labelled(found)


def _left_out(what: str, error: ArtifactError) -> None:
    reason = str(error).replace("$", r"\$")
    show.warning(f"{what} is left out of the comparison. {reason}", icon=":material/error:")


def pair(shown: list[View]) -> list[View]:
    """The live view and the pinned one, if there is one; else none."""
    there = [view for view in shown if view.pinned]
    return [shown[0], *there] if there else []


def differ_in(shown: list[View], *names: str) -> bool:
    """Whether any two views differ in one of these parts, among views that have it."""
    words = [parts(view) for view in shown]
    return any(len({w[name] for w in words if name in w}) > 1 for name in names)


def same_tokens(shown: list[View], unit: Unit) -> bool:
    """Whether losses in this unit compare between the views."""
    sizes = {float(f"{b:.3g}") for view in shown for b in view.suite.models()["bytes_per_token"]}
    return unit.per_byte or len(sizes) <= 1


def unit_note(shown: list[View], unit: Unit) -> None:
    """The note that nats of different tokens do not compare."""
    if len(shown) > 1 and not same_tokens(shown, unit):
        show.info(
            "These suites' tokens represent different amounts of text, so a nat per token differs "
            "between them. Their losses and bounds compare only in **bits per byte**, by the "
            "control *Unit of losses*.",
            icon=":material/balance:",
        )
