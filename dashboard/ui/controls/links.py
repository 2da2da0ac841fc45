"""The link that led to a view: what it says that is wrong, and what is carried to the next page."""

import streamlit as st

from dashboard.export import record


def enter(page: str) -> None:
    """Carry choices over to another page, and leave behind what was wrong with the link to the
    one before.  To be called before any control of the page.

    Streamlit keeps what a bound widget says while its page is away, and so across pages, with one
    gap (1.67): a value that came by a link and that nobody has touched is lost on a next page that
    has the same control.  What was chosen on the page before is therefore put back first.
    """
    if st.session_state.get("page") not in (None, page):
        forget_complaints()
        st.session_state.pop("upload", None)  # a reader's file is dropped with its page
        put_choices_back()
    st.session_state["page"] = page


def put_choices_back() -> None:
    """What was chosen and noted, unless the address says otherwise.  To be called before the
    controls that it is for."""
    for name, value in st.session_state.get("choices", {}).items():
        if name not in st.query_params:
            st.session_state[name] = st.query_params[name] = value


def keep_choices() -> None:
    """Note what the controls of this page say, for the next one.  To be called when it has run.

    The suite is chosen beside every page, where it stays.
    """
    kept = st.session_state.setdefault("choices", {})
    for name in record.current().controls.keys() - {"suite"}:
        kept.pop(name, None)  # a default is not in the address, and need not be carried
        if name in st.query_params and name in st.session_state:
            kept[name] = st.session_state[name]


def lags_behind() -> bool:
    """Whether the address may hold values of options that the reader has just left."""
    return bool(st.session_state.get("options_changed"))


def complain(name: str, sentence: str) -> None:
    """Say what is wrong with the value of one control, until a control is moved."""
    st.session_state.setdefault("link_complaints", {})[name] = sentence


def withdraw(name: str) -> None:
    """Nothing is wrong any more with the value of one control."""
    st.session_state.get("link_complaints", {}).pop(name, None)


def show_complaints() -> None:
    """Show what was wrong with the link, until a control is moved."""
    st.session_state.pop("options_changed", None)
    for sentence in st.session_state.get("link_complaints", {}).values():
        st.warning(sentence, icon=":material/link_off:")


def forget_complaints() -> None:
    """A control was moved: what was wrong with the link is of no more interest, nor on which
    artifacts it was made."""
    st.session_state["link_complaints"] = {}
    st.session_state["past_versions"] = st.query_params.get_all("version")


def change_options() -> None:
    """Another suite or quantizer has other models and rates."""
    forget_complaints()
    st.session_state["options_changed"] = True
