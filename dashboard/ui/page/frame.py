"""The frame of every page: the open suite, and a sentence if none can be opened."""

import streamlit as st

from dashboard import catalog
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.escaping import escaped
from dashboard.style.plural import listed
from dashboard.style.training_text import stand_ins as stand_in_texts
from dashboard.style.training_text import trained_on
from dashboard.ui.controls import links
from dashboard.ui.controls.registry import SUITE
from dashboard.ui.drawing import show
from dashboard.ui.page import share
from dashboard.ui.page.error_boundary import show_error
from dashboard.ui.page.navigation import link_to, navigation, title_of


def open_suite_from_sidebar() -> bool:
    """Show the choice of a suite and open it; False if there is nothing to show.

    The open suite is ``st.session_state["open_suite"]``.
    """
    try:
        suites, notes = catalog.suite_names(), catalog.notes()
    except ArtifactError as error:
        st.title("Boundscape")
        show_error(error)
        return False
    if not suites:
        st.title("Boundscape")
        st.info(
            "There are no measurements yet. Run `make compute PRESET=tiny` for a first suite in "
            "about a minute, then reload this page.",
            icon=":material/inbox:",
        )
        return False
    with st.sidebar:
        name = SUITE.ask(suites)
        for sentence in notes:
            st.warning(sentence, icon=":material/cloud_off:")
    suite = catalog.open_by_name(name)
    st.session_state["open_suite"] = suite
    record.current().suites.insert(0, suite)
    return True


def open_suite() -> Suite:
    """The suite that the frame has opened.

    Until some visitor has opened ``app.py``, Streamlit treats every file in ``pages/`` as a
    separate script. So the first visitor of a new server who follows a link to a page arrives
    here without the frame.  Declaring the pages fixes this, and the script starts again.
    """
    suite = st.session_state.pop("open_suite", None)  # every run opens its own
    if suite is None:
        navigation()
        st.rerun()
    return suite


def title(suite: Suite, text: str, *, of_suite: bool = True) -> None:
    """The head of a page: its title, the share buttons, problems of the link, stand-in texts.

    Args:
        of_suite: whether the page shows numbers of the suite.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(text, width="stretch")
        share.reserve_place()
    links.show_complaints()
    share.version_notice()
    for sentence in stand_ins(suite) if of_suite else ():
        show.warning(sentence, icon=":material/swap_horiz:")


def stop() -> None:
    """End the page here; the parts above can still be shared."""
    share.show()
    st.stop()


def stand_ins(suite: Suite) -> list[str]:
    """Sentences about models without their training text, one per text that stands in."""
    models = suite.models()
    sentences = []
    for text, rows in models.dropna(subset=["stand_in"]).groupby("stand_in", sort=False):
        of = "" if len(rows) == len(models) else f" ({', '.join(rows['model_id'])})"
        sentences.append(
            f"**Another text stands in for the training text**{escaped(of)}: {escaped(text)}. No "
            "bound computed from it is certified, so all of them are drawn hollow."
        )
    return sentences


def show_provenance(suite: Suite) -> None:
    """In the sidebar: the source of the numbers."""
    of_units = {key: suite.provenance(key) for key in ("code_revision", "schema_version", "device")}
    code, version, device = (escaped(_first_of(found)) for found in of_units.values())
    models = suite.models()
    arithmetic = escaped(listed(sorted(set(models["arithmetic"]))))
    scored = "sampled windows" if suite.is_sampled else "every training token"
    others = stand_in_texts(models)
    scored += f" of {others}" if others else ""
    with st.sidebar:
        st.caption(
            f"Trained on: {escaped(trained_on(models))}  \n"
            f"Scored on: {escaped(scored)}, in {arithmetic}  \n"
            f"Code {code}, schema {version}  \n{device}  \nArtifacts {suite.version.short}",
            help=_all_of(of_units),
        )
        if suite.version.note:
            st.caption(f":material/difference: {suite.version.note}")
        if st.session_state.get("page") != title_of("artifacts"):
            link_to("artifacts", "What was run, and every file")


def _first_of(values: list[str]) -> str:
    """A summary of several values: a suite can be measured over weeks, on several machines."""
    if len(values) > 2:
        return f"{values[0]} and {len(values) - 1} others"
    return " and ".join(values) or "unknown"


def _all_of(values: dict[str, list[str]]) -> str | None:
    """Every value, if the summary leaves some out."""
    found = {key: each for key, each in values.items() if len(each) > 2}
    lines = [
        f"{key.replace('_', ' ').capitalize()}s, most frequent first: {escaped(', '.join(each))}"
        for key, each in found.items()
    ]
    return "  \n".join(lines) or None
