"""A record of what a page showed, in order: controls, charts, text. Sharing uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from dashboard.artifacts.suite import Suite
    from dashboard.style.inequalities import Form


@dataclass(frozen=True)
class Chosen:
    """One choice of a control.

    Attributes:
        label: of the widget.
        value: as in links; a list for a control with several values.
        words: as text, if it differs from the value.
    """

    label: str
    value: str | bool | list[str]
    words: str = ""


@dataclass(frozen=True)
class Words:
    """Text in Markdown.

    Attributes:
        kind: heading, text, caption, info or warning.
    """

    kind: str
    markdown: str


@dataclass(frozen=True)
class Metric:
    """A number in large type, with a note below it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart as it was drawn, equal to itself alone.

    Attributes:
        title: what it shows, in Markdown.
        subtitle: unit and setting, in Markdown.
    """

    title: str
    chart: alt.TopLevelMixin
    subtitle: str = ""


@dataclass(frozen=True)
class Table:
    """Rows as they were shown or offered for download.

    Attributes:
        headers: words for the names of columns; a column without any is under its name.
    """

    title: str
    frame: pd.DataFrame
    headers: dict[str, str] = field(default_factory=dict)


Part = Words | Metric | Chart | Table


@dataclass
class Record:
    """One run of one page.

    Attributes:
        page: its title.
        suites: the suites shown, the chosen one first.
        controls: by their name in links, in the order of the page.
        forms: of the bound that it shows.
        parts: what it shows, from top to bottom.
        upload: facts about an uploaded file, by name; empty without a file.
        caveat: a sentence on what a link to this view leaves out, if anything.
    """

    page: str = ""
    suites: list[Suite] = field(default_factory=list)
    controls: dict[str, Chosen] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    upload: dict[str, str] = field(default_factory=dict)
    caveat: str = ""

    def charts(self) -> list[Chart]:
        """The charts alone."""
        return [part for part in self.parts if isinstance(part, Chart)]


def begin(page: str) -> Record:
    """A new record, for the run of a page that now starts."""
    st.session_state["record"] = Record(page)
    return st.session_state["record"]


def current() -> Record:
    """The record of the current run."""
    return st.session_state.get("record") or begin("")


def chosen(parameter: str, label: str, value: str | bool | list[str], words: str = "") -> None:
    """Note what a control is set to; ``parameter`` is its name in links."""
    current().controls[parameter] = Chosen(label, value, words)


def said() -> dict[str, str]:
    """What the controls with one value say so far, by their names in links."""
    return {
        name: control.value
        for name, control in current().controls.items()
        if isinstance(control.value, str)
    }
