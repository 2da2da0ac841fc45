"""The link that led to a view: its errors, and the choices to carry to the next page."""

import streamlit as st

from dashboard.export import record


def enter(page: str) -> None:
    """Carry choices over to another page, and clear errors of the link to the page before.

    Call it before any control of the page.

    Streamlit keeps the value of a bound widget while its page is hidden, and so across pages, with
    one gap (1.67): a value that came by a link and was never changed is lost on a next page
    that has the same control.  So the choices of the page before are restored first.
    """
    if st.session_state.get("page") not in (None, page):
        forget_complaints()
        st.session_state.pop("upload", None)  # an uploaded file is dropped with its page
        put_choices_back()
    st.session_state["page"] = page


def put_choices_back() -> None:
    """Restore recorded choices, unless the address has others.

    Call it before the controls concerned.
    """
    for name, value in st.session_state.get("choices", {}).items():
        if name not in st.query_params:
            st.session_state[name] = st.query_params[name] = value


def keep_choices() -> None:
    """Record the values of this page's controls for the next one.  Call it at the end of a run.

    The suite is chosen in the sidebar of every page, where it stays.
    """
    kept = st.session_state.setdefault("choices", {})
    for name in record.current().controls.keys() - {"suite"}:
        kept.pop(name, None)  # a default is not in the address, and need not be carried
        if name in st.query_params and name in st.session_state:
            kept[name] = st.session_state[name]


def lags_behind() -> bool:
    """Whether the address may have values of options that the visitor has just left."""
    return bool(st.session_state.get("options_changed"))


def complain(name: str, sentence: str) -> None:
    """Report an error in the value of one control, until a control is moved."""
    st.session_state.setdefault("link_complaints", {})[name] = sentence


def withdraw(name: str) -> None:
    """Clear the error of one control."""
    st.session_state.get("link_complaints", {}).pop(name, None)


def show_complaints() -> None:
    """Show errors of the link, until a control is moved."""
    st.session_state.pop("options_changed", None)
    for sentence in st.session_state.get("link_complaints", {}).values():
        st.warning(sentence, icon=":material/link_off:")


def forget_complaints() -> None:
    """Clear errors of the link and the version of its artifacts when a control is moved."""
    st.session_state["link_complaints"] = {}
    st.session_state["past_versions"] = st.query_params.get_all("version")


def change_options() -> None:
    """Another suite or quantizer has other models and rates."""
    forget_complaints()
    st.session_state["options_changed"] = True
