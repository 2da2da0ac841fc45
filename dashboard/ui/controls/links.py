"""The link to a view: what stands in the address, and what is wrong with it.

Streamlit writes an option into the URL as its label, so labels and values are the same here.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard.style.escaping import quoted

#: Every control's name in the address.
PARAMETERS = (
    *("form", "quantizer", "bits", "code", "delta", "model", "n", "matrix", "bandwidth"),
    *("quantity", "law", "reach", "ratio", "vocab", "target", "predicted", "from"),
    *("compare", "unit", "together", "own_example", "own_n", "own_d", "own_v", "own_bits"),
    *("own_start", "own_bytes", "own_code", "settings", "beside"),
    *("part", "table", "only", "at", "where", "sheet", "file", "number", "of"),
)


def enter(page: str) -> None:
    """Carry choices over to another page, and leave behind what was wrong with the link to the
    one before.  To be called before any control of the page.

    Streamlit forgets a value that came by a link and that nobody has touched when the page
    changes; what was chosen on the page before is put back first.
    """
    if st.session_state.get("page") not in (None, page):
        forget_complaints()
        st.session_state.pop("own_losses", None)  # a reader's file is let go with its page
        put_choices_back()
    st.session_state["page"] = page


def put_choices_back() -> None:
    """What was chosen and noted, unless the address says otherwise.  To be called before the
    controls that it is for."""
    for name, value in st.session_state.get("choices", {}).items():
        if name not in st.query_params:
            st.session_state[name] = st.query_params[name] = value


def keep_choices() -> None:
    """Note what is chosen, for the next page.  To be called when a page has run."""
    kept = st.session_state.setdefault("choices", {})
    for name in PARAMETERS:
        if name in st.session_state:
            kept.pop(name, None)  # a default is not in the address, and need not be carried
            if name in st.query_params:
                kept[name] = st.session_state[name]


def check_link(parameter: str, allowed: Sequence[str], what: str) -> None:
    """Say so in one sentence if the link carries a value that does not exist here.

    To be called before the widget of that name, which then falls back to its default.
    """
    if st.session_state.get("own_change"):
        return  # the address lags behind what the reader has just chosen
    complaints = st.session_state.setdefault("link_complaints", {})
    for value in st.query_params.get_all(parameter):
        if value not in allowed:
            complaints[parameter] = (
                f"The link asks for {what} {quoted(value)}, which does not exist here; "
                "the default is shown instead."
            )


def show_complaints() -> None:
    """Show what was wrong with the link, until a control is moved."""
    st.session_state.pop("own_change", None)
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
    st.session_state["own_change"] = True


def keep_possible(key: str, options: Sequence[str], default: str) -> None:
    """Move a choice that is not there any more to the default, also in the browser, which would
    go on showing the old one if its value were merely dropped.  To be called before the widget."""
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = default


def required(chosen: str | None) -> str:
    """What a row of buttons says of which one must be pressed.

    Streamlit takes an empty value in a link (``?unit=``) for none of them; the page begins anew,
    and ``keep_possible`` presses the default.
    """
    if chosen is None:
        st.rerun()
    return chosen
