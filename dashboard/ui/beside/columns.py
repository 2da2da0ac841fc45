"""One column per view: data read once each, charts on one vertical axis, differences as numbers.

A page provides functions of one view.  Only this module handles several: the common axis of the
charts, and the table of differences.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import altair as alt
import streamlit as st

from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import ArtifactError
from dashboard.style.escaping import escaped
from dashboard.style.inequalities import forms_of
from dashboard.style.training_text import trained_on
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.differences import Numbers
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.ui.page import frame
from dashboard.ui.page.error_boundary import show_error

#: Charts in a row.
_IN_A_ROW = 3

T = TypeVar("T")

#: Smallest and largest value on an axis.
Ends = tuple[float, float]


class NothingThereError(Exception):
    """A view lacks the data that the page compares; the message says what its suite lacks."""


#: The reason where no model has a bound.
NOTHING_THERE = "No model was measured at this setting there."


@dataclass(frozen=True)
class Columns(Generic[T]):
    """The data of each view, by its label; for a view without data, the reason."""

    views: list[View]
    found: dict[str, T]
    missing: dict[str, Exception]

    @classmethod
    def read(cls, views: list[View], read: Callable[[View], T]) -> "Columns[T]":
        """Read every view.

        Args:
            read: raises ``NothingThereError``, or ``ArtifactError`` if files are damaged; the
                column of that view shows it.
        """
        found: dict[str, T] = {}
        missing: dict[str, Exception] = {}
        for view in views:
            try:
                found[view.label] = read(view)
            except (NothingThereError, ArtifactError) as reason:
                missing[view.label] = reason
        return cls(views, found, missing)

    def chart(
        self,
        title: str,
        draw: Callable[[T, Ends | None], alt.TopLevelMixin],
        subtitle: Callable[[View, T], str],
        ends: Callable[[T], Ends] = lambda read: (0.0, 1.0),
        caption: Callable[[T], str] = lambda read: "",
        alone: str = "",
    ) -> None:
        """The chart of every view under its label, all on one vertical axis.

        A single view has its chart on its own axis.

        Args:
            title: of a chart.
            subtitle: of the chart of a view: unit and setting.
            ends: smallest and largest value of a view's own chart, unless ``draw`` knows its axes.
            caption: over each of several charts, empty for none.
            alone: title of the chart of a single view, if different.
        """
        if len(self.views) == 1:
            self._draw(self.views[0], alone or title, subtitle, lambda read: draw(read, None))
            return
        pairs = [ends(read) for read in self.found.values()]
        span = (min((p[0] for p in pairs), default=0.0), max((p[1] for p in pairs), default=1.0))
        of_suites = len({view.suite.name for view in self.views}) > 1

        def head(view: View) -> None:
            _heading(view, of_suites)

        def body(view: View) -> None:
            if words := view.label in self.found and caption(self.found[view.label]):
                show.caption(words)
            full = f"{title}, {escaped(view.label)}"
            self._draw(view, full, subtitle, lambda read: draw(read, span), title)

        for start in range(0, len(self.views), _IN_A_ROW):
            row = self.views[start : start + _IN_A_ROW]
            # Texts of different lengths are in separate rows, so that the charts are level.
            for part in (head, body, _footnote):
                for column, view in zip(st.columns(len(row)), row, strict=True):
                    with column:
                        part(view)

    def _draw(
        self,
        view: View,
        title: str,
        subtitle: Callable[[View, T], str],
        draw: Callable[[T], alt.TopLevelMixin],
        head: str = "",
    ) -> None:
        if view.label in self.found:
            found = self.found[view.label]
            show.chart(draw(found), title, subtitle(view, found), width="stretch", head=head)
        elif isinstance(reason := self.missing[view.label], ArtifactError):
            show_error(reason)
        else:
            show.info(str(reason), icon=":material/inbox:")

    def differences(self, numbers: Callable[[View, T], Numbers], unit: Unit, of: str = "") -> bool:
        """The table of the live and the pinned view, if both exist and compare in this unit.

        Args:
            of: head of the table instead of the unit.

        Returns:
            Whether the table was drawn.
        """
        pair = compare.pair(self.views)
        if not pair or any(view.label in self.missing for view in pair):
            return False
        if not compare.same_tokens(pair, unit):
            return False  # the page has said so: their difference would be of different tokens
        differences.table(
            [numbers(view, self.found[view.label]) for view in pair], of or unit.label
        )
        return True


def _heading(view: View, of_suites: bool) -> None:
    """The label of a view, and, if suites are compared, facts about its suite."""
    setting = view.choice.setting.label if view.choice and "quantizer" in view.said else ""
    rest = f", {setting}" if setting and setting not in view.label else ""
    show.markdown(f"**{escaped(view.label)}**{rest}")
    whose = ":material/push_pin: the pinned view" if view.pinned else ""
    if not of_suites:
        whose = whose or ":material/tune: follows the controls"
    facts = [whose, *(_facts(view) if of_suites else [])]
    note = f"**{view.note[0].upper()}{view.note[1:]}**" if view.note else ""
    words = [*filter(None, ["; ".join(filter(None, facts)), note])]
    show.caption(". ".join(words) + ".")


def _facts(view: View) -> list[str]:
    """Tokenizer, form and text of a view's suite."""
    models = view.suite.models()
    vocabularies = ", ".join(f"{v:,}" for v in sorted(set(models["vocab_size"])))
    sizes = sorted({f"{value:.3g}" for value in models["bytes_per_token"]}, key=float)
    spread = " to ".join(dict.fromkeys([sizes[0], sizes[-1]]))
    facts = [f"V = {vocabularies}, bytes per token: {spread}"]
    if view.choice is not None:
        there = forms_of(view.suite.is_sampled).values()
        facts.append(f"form *{next(f.label for f in there if f.key == view.choice.form)}*")
    facts[-1] += ", " + ("sampled windows" if view.suite.is_sampled else "every training token")
    return [*facts, f"trained on {escaped(trained_on(models))}"]


def _footnote(view: View) -> None:
    for sentence in frame.stand_ins(view.suite):
        show.caption(sentence)
