"""A control is one entry: it is drawn, checked against the link, recorded and carried."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.ui.controls.registry import BITS, CODE, CONTROLS, DELTA, OF_A_VIEW, N


def page_of_one_control():
    """A page with a control that no registry knows."""
    import streamlit as st

    from dashboard.export import record
    from dashboard.ui.controls import links
    from dashboard.ui.controls.control import OneOf

    links.enter(st.session_state.get("go_to", "first"))
    record.begin("page")
    fresh = OneOf(key="fresh", label="Fresh", options={"one": 1, "two": 2})
    st.session_state["said"] = fresh.ask()
    links.show_complaints()
    links.keep_choices()


def visit(**query: str) -> AppTest:
    app = AppTest.from_function(page_of_one_control, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_an_entry_is_enough_for_a_control():
    assert visit().session_state["said"] == 1
    app = visit(fresh="two")
    assert app.session_state["said"] == 2
    (chosen,) = app.session_state["record"].controls.items()
    assert (chosen[0], chosen[1].label, chosen[1].value) == ("fresh", "Fresh", "two")
    assert app.session_state["choices"] == {"fresh": "two"}
    app.selectbox(key="fresh").set_value("one").run()
    assert app.session_state["said"] == 1


def test_a_value_that_is_no_option_is_one_sentence_and_the_default():
    app = visit(fresh="three")
    assert app.session_state["said"] == 1
    (warning,) = app.warning
    assert warning.value == (
        "The link asks for “Fresh” `three`, which does not exist here; the default is shown "
        "instead."
    )
    app.selectbox(key="fresh").set_value("two").run()
    assert not app.warning


def test_every_control_has_its_own_name():
    assert all(control.key == name for name, control in CONTROLS.items())
    assert [*OF_A_VIEW] == [name for name in CONTROLS if CONTROLS[name].makes_view]
    assert {"suite", "settings", "quantizer", "bits", "form", "code", "delta"} <= {*OF_A_VIEW}


@pytest.mark.parametrize(
    ("control", "said", "possible"),
    [
        (BITS, {"quantizer": "GPTQ", "bits": "4"}, True),
        (BITS, {"quantizer": "GPTQ", "bits": "step 0.7"}, False),
        (BITS, {"bits": "4"}, False),
        (CODE, {"code": "stored"}, True),
        (CODE, {"code": "Stored"}, False),
        (DELTA, {"delta": "0.05"}, True),
        (DELTA, {"delta": "1.5"}, False),
        (N, {"n": "1.4B"}, True),
        (N, {"n": "-1"}, False),
    ],
)
def test_a_view_may_hold_what_its_suite_has(suite, control, said, possible):
    assert control.possible(said[control.key], suite, said) is possible
