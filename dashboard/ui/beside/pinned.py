"""The view that a reader pins beside the one that follows the controls."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.analysis.bound.terms import CODES
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
    codes: Sequence[str] = tuple(CODES),
) -> View | None:
    """The button to pin the live view, or to unpin the pinned one; that one, if there is one and it
    differs from the live one.

    Args:
        place: of the button.
        codes: that the page can show.

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
            "Keep this view to compare",
            key="keep",
            on_click=_pin,
            args=(written(live),),
            icon=":material/push_pin:",
            help="Keeps what the controls say now as a second view. The page then shows both side "
            "by side, and the controls go on changing this one.",
        )
        return None
    text, differs = st.session_state[PARAMETER], parts(found) != parts(live)
    words = labelled([live, found])[1].label if differs else "what the controls say"
    after = "." if differs else ". Move one of them, and both are shown side by side."
    place.caption(f":material/push_pin: Kept: **{escaped(words)}**{after}")
    _unpin_button(place)
    record.chosen(PARAMETER, "Kept view", text, ", ".join(parts(found).values()))
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
    """Nothing is pinned, nor comes back with the next page."""
    st.session_state[PARAMETER] = ""
    st.session_state.get("choices", {}).pop(PARAMETER, None)
    st.query_params.pop(PARAMETER, None)


def _from_link(live: View, codes: Sequence[str]) -> View | None:
    """The pinned view, None if there is none or the link's does not exist, which is a complaint."""
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
