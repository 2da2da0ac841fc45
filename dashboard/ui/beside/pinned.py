"""The pinned view, next to the one that follows the controls."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.analysis.bound.terms import OFFERED
from dashboard.artifacts.errors import ArtifactError
from dashboard.export import record
from dashboard.style.escaping import escaped
from dashboard.ui.beside.pinned_link import PARAMETER, LinkError, parsed, written
from dashboard.ui.beside.pinned_view import on_page
from dashboard.ui.beside.view import View, labelled, parts
from dashboard.ui.controls import links


def pin_control(
    live: View,
    place: DeltaGenerator,
    codes: Sequence[str] = OFFERED,
) -> View | None:
    """The button to pin the live view, or to unpin the pinned one.

    Args:
        place: of the button.
        codes: that the page can show.

    Returns:
        The pinned view, if there is one and it differs from the live one.

    Raises:
        ArtifactError: the suite of the pinned view cannot be used.
    """
    try:
        found = _from_link(live, codes)
    except ArtifactError:
        _unpin_button(place)
        raise
    if found is None:
        place.button(
            "Pin this view to compare",
            key="keep",
            on_click=_pin,
            args=(written(live),),
            icon=":material/push_pin:",
            help="Stores the current choices as a second view. The page then shows both side by "
            "side, and the controls change only this one.",
        )
        return None
    text, differs = st.session_state[PARAMETER], parts(found) != parts(live)
    words = labelled([live, found])[1].label if differs else "the current choices"
    after = "." if differs else ". Move a control to show both side by side."
    place.caption(f":material/push_pin: Pinned: **{escaped(words)}**{after}")
    _unpin_button(place)
    record.chosen(PARAMETER, "Pinned view", text, ", ".join(parts(found).values()))
    shown = record.current().suites
    if all(suite.name != found.suite.name for suite in shown):
        shown.append(found.suite)
    return found if differs else None


def _unpin_button(place: DeltaGenerator) -> None:
    place.button("Stop comparing", key="let_go", on_click=_unpin, icon=":material/close:")


def _pin(text: str) -> None:
    links.forget_complaints()
    st.session_state[PARAMETER] = st.query_params[PARAMETER] = text


def _unpin() -> None:
    links.forget_complaints()
    _forget()


def _forget() -> None:
    """Unpin the view, also for the next page."""
    st.session_state[PARAMETER] = ""
    st.session_state.get("choices", {}).pop(PARAMETER, None)
    st.query_params.pop(PARAMETER, None)


def _from_link(live: View, codes: Sequence[str]) -> View | None:
    """The pinned view, None without one, or, with a complaint, if the link's does not exist."""
    text = st.query_params.get(PARAMETER)
    st.session_state[PARAMETER] = text or ""
    if text is None:
        return None
    try:
        suite, said = parsed(text, live.suite)
    except LinkError as error:
        _forget()
        links.complain(PARAMETER, str(error))
        return None
    return on_page(live, suite, said, codes)
