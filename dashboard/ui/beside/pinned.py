"""The view that a reader keeps beside the one that follows the controls."""

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


def kept_control(
    live: View,
    place: DeltaGenerator,
    names: Sequence[str] = (),
    codes: Sequence[str] = tuple(CODES),
) -> View | None:
    """The button to keep the live view, or to let go of the one that is kept; that one, if there
    is one and it differs from the live one.

    Args:
        place: of the button.
        names: controls that the page has; those that ``live`` speaks of unless given.
        codes: that the page can show.

    Raises:
        ArtifactError: the suite of the kept view cannot be used.
    """
    try:
        found = _from_link(live, names or tuple(live.said), codes)
    except ArtifactError:
        _let_go_button(place)
        raise
    if found is None:
        place.button(
            "Keep this view to compare",
            key="keep",
            on_click=_keep,
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
    _let_go_button(place)
    record.chosen(PARAMETER, "Kept view", text, ", ".join(parts(found).values()))
    shown = record.current().suites
    if all(suite.name != found.suite.name for suite in shown):
        shown.append(found.suite)
    return found if differs else None


def _let_go_button(place: DeltaGenerator) -> None:
    place.button("Stop comparing", key="let_go", on_click=_let_go, icon=":material/close:")


def _keep(text: str) -> None:
    links.forget_complaints()
    st.session_state[PARAMETER] = st.query_params[PARAMETER] = text


def _let_go() -> None:
    links.forget_complaints()
    _forget()


def _forget() -> None:
    """Nothing is kept, nor comes back with the next page."""
    st.session_state[PARAMETER] = ""
    st.session_state.get("choices", {}).pop(PARAMETER, None)
    st.query_params.pop(PARAMETER, None)


def _from_link(live: View, names: Sequence[str], codes: Sequence[str]) -> View | None:
    """The kept view, None if there is none or the link's does not exist, which is a complaint."""
    text = st.query_params.get(PARAMETER)
    st.session_state[PARAMETER] = text or ""
    if text is None:
        return None
    try:
        suite, said = parsed(text, live.suite)
    except LinkError as error:
        _forget()
        st.session_state.setdefault("link_complaints", {})[PARAMETER] = str(error)
        return None
    return on_page(live, suite, said, names, codes)
