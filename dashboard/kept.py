"""The view that a reader keeps beside the one that follows the controls."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import links, record
from dashboard.artifacts import Suite
from dashboard.certificates import plain
from dashboard.errors import ArtifactError
from dashboard.forms import forms_of
from dashboard.kept_link import PARAMETER, LinkError, parsed, written
from dashboard.numbers import parse_count
from dashboard.overview_controls import BEST, CHOSEN
from dashboard.terms import CODES, PREQUENTIAL, Choice, prequential
from dashboard.text import CODE_LABELS
from dashboard.view import NAMES, View, labelled, nearest_view, parts

#: Controls that a page has only at some values of another one.
_WITH = {"quantizer": "bits", "model": "n"}

#: Controls that say nothing where every model is at its own best setting.
_OF_ONE_SETTING = ("quantizer", "bits", "form", "code")


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
    place.caption(f":material/push_pin: Kept: **{plain(words)}**{after}")
    _let_go_button(place)
    record.chosen(PARAMETER, "Kept view", text, ", ".join(parts(found).values()))
    shown = record.current().suites
    if all(suite.name != found.suite.name for suite in shown):
        shown.append(found.suite)
    return found if differs else None


def _let_go_button(place: DeltaGenerator) -> None:
    place.button("Let go of the kept view", key="let_go", on_click=_let_go, icon=":material/close:")


def _keep(text: str) -> None:
    links.forget_complaints()
    st.session_state[PARAMETER] = st.query_params[PARAMETER] = text


def _let_go() -> None:
    links.forget_complaints()
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
        _let_go()
        st.session_state["link_complaints"] = st.session_state.get("link_complaints", {}) | {
            PARAMETER: str(error)
        }
        return None
    return _view(live, suite, {name: said[name] for name in NAMES if name in said}, names, codes)


def _view(
    live: View, suite: Suite, said: dict[str, str], names: Sequence[str], codes: Sequence[str]
) -> View:
    """The kept view on this page: what was kept of its controls, and of the others what they say
    now."""
    start = live if suite.name == live.suite.name else nearest_view(live, suite)
    asked = {*names, *(other for name, other in _WITH.items() if name in names)}
    said = {name: value for name, value in said.items() if name in asked}
    before = {k: v for k, v in start.said.items() if all(k != _WITH.get(name) for name in said)}
    if "quantizer" in said and "settings" in names:
        said.setdefault("settings", CHOSEN)  # kept on a page where all models have one setting
    now = replace(start, said=before | said, kept=True)
    if "quantizer" in said:
        now = replace(now, note="")
    if now.choice is not None:
        choice, note = _choice(now.choice, suite, said, codes)
        now = replace(now, choice=choice, note="; ".join(filter(None, [now.note, note])))
        if note:
            now = replace(now, said=dict(now.said) | {"code": CODE_LABELS[choice.code]})
    if now.said.get("settings") == BEST:
        now = replace(now, said={k: v for k, v in now.said.items() if k not in _OF_ONE_SETTING})
    sizes = suite.models().set_index("model_id")["params_total"]
    if said.get("model") in sizes:
        now = replace(now, size=float(sizes[said["model"]]))
    elif "n" in said:
        now = replace(now, size=parse_count(said["n"]))
    return now


def _choice(
    start: Choice, suite: Suite, said: dict[str, str], codes: Sequence[str]
) -> tuple[Choice, str]:
    """What was kept of a choice, and a note where the page cannot show it."""
    choice, note = start, ""
    if "quantizer" in said:
        there = [s for s in suite.settings() if s.family.label == said["quantizer"]]
        setting = next(s for s in there if s.rate == said.get("bits", there[0].rate))
        choice = replace(choice, setting=setting)
    if "form" in said:
        choice = replace(choice, form=forms_of(suite.is_sampled)[said["form"]].key)
    if "delta" in said:
        choice = replace(choice, failure_probability=float(said["delta"]))
    if "code" in said:
        code = next(key for key, label in CODE_LABELS.items() if label == said["code"])
        if code not in codes:
            note = f"this page does not show the {said['code']} code that was kept"
        elif code == PREQUENTIAL:
            choice = prequential(choice)
        else:
            choice = replace(choice, code=code)
    return choice, note
