"""Sharing a view: a link that reproduces it, and a note about old links on new artifacts."""

import re
from urllib.parse import urlencode

import streamlit as st

from dashboard.artifacts.version import SHORT
from dashboard.export import record, view_file
from dashboard.export.record import Record
from dashboard.style.escaping import escaped
from dashboard.ui.drawing.copy_button import copy_button

#: The name in links of the artifacts' version; one for each suite that is shown, ``SUITE:DIGEST``.
VERSION = "version"

_VERSION = re.compile(rf"(?P<suite>.+):(?P<digest>[0-9a-f]{{{SHORT}}})")


def link(shown: Record, address: str) -> str:
    """The address of a view with every control, also those at their default, and the version.

    Args:
        shown: a page that has run to its end.
        address: of the page, without a query.
    """
    values = {name: _in_link(control.value) for name, control in shown.controls.items()}
    versions = [f"{suite.name}:{suite.version.short}" for suite in shown.suites]
    return f"{address}?{urlencode(values | {VERSION: versions}, doseq=True)}"


def _in_link(value: str | bool | list[str]) -> str | list[str]:
    """A value as Streamlit reads it from an address."""
    return str(value).lower() if isinstance(value, bool) else value


def reserve_place() -> None:
    """Reserve a place for the buttons; they share the page after it has run."""
    st.session_state["share_place"] = st.container(
        horizontal=True, width="content", vertical_alignment="center", key="share"
    )


def show() -> None:
    """Draw the buttons in the reserved place, if the page got that far."""
    place = st.session_state.pop("share_place", None)
    shown = record.current()
    if place is None:
        return
    address = link(shown, st.context.url or "")
    with place:
        copy_button(
            "Copy link",
            address,
            "Copies a link to this view: all controls and the version of the artifacts. "
            f"{shown.caveat}".strip(),
            key="copy-link",
        )
        st.download_button(
            "Export view",
            lambda: view_file.document(shown, address),
            file_name=f"boundscape-{view_file.slug(shown)}.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/ios_share:",
            help="One HTML file with this view's charts, numbers and provenance, which needs no "
            "network.",
            key="export-view",
        )


def version_notice() -> None:
    """A note if the link that led here was made with other artifacts than the open ones.

    Invalid versions are ignored, and so are versions of suites that do not exist.
    """
    asked = st.query_params.get_all(VERSION)
    if "suite" in st.session_state.get("link_complaints", {}):
        return
    if asked == st.session_state.get("past_versions"):
        return  # after a control moved, this is not the link's view
    found = [match for version in asked if (match := _VERSION.fullmatch(version))]
    versions = {match["suite"]: match["digest"] for match in found}
    for suite in record.current().suites:
        version = versions.get(suite.name, suite.version.short)
        if version != suite.version.short:
            st.warning(
                f"This link was made with version `{version}` of the suite "
                f"“{escaped(suite.name)}”, but the artifacts here are version "
                f"`{suite.version.short}`. Numbers may differ from those that its sender saw.",
                icon=":material/history:",
            )
