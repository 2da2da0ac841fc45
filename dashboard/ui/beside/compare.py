"""Several views side by side: which, and the same chart of each in a column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import catalog
from dashboard.analysis.bound.terms import CODES
from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.escaping import escaped
from dashboard.style.inequalities import forms_of
from dashboard.style.training_text import trained_on
from dashboard.ui.beside import pinned
from dashboard.ui.beside.view import View, labelled, nearest_view, parts
from dashboard.ui.controls.registry import COMPARE
from dashboard.ui.drawing import show
from dashboard.ui.page import frame

#: Charts in a row.
_IN_A_ROW = 3

#: What a column shows without a model at the view's setting.
NOTHING_THERE = "No model was measured at this setting there."


@dataclass(frozen=True)
class Beside:
    """What may stand beside the chosen view.

    Attributes:
        suites: other ones, at what comes nearest to the controls.
        place: in the sidebar, of the button that keeps a view.
    """

    suites: list[Suite]
    place: DeltaGenerator


def kept_alone() -> Beside:
    """On a page that shows a kept view beside the live one, and no other suites.

    To be called where the button shall stand among the controls.
    """
    return Beside([], st.sidebar.container())


def others(suite: Suite) -> Beside:
    """In the sidebar, the suites to compare with and below them the place to keep a view; a suite
    that cannot be opened is named and left out.

    To be called on pages that compare, before their own controls.
    """
    names = [name for name in catalog.suite_names() if name != suite.name]
    chosen = []
    if names:
        with st.sidebar:
            chosen = COMPARE.ask(names)
    found = []
    for name in chosen:
        try:
            found.append(catalog.open_by_name(name))
        except ArtifactError as error:
            _left_out(f"The suite “{escaped(name)}”", error)
    record.current().suites += found
    return Beside(found, st.sidebar.container())


def views(
    live: View,
    beside: Beside,
    names: Sequence[str] = (),
    codes: Sequence[str] = tuple(CODES),
) -> list[View]:
    """The live view first, then the kept one if it differs, then other suites, each at what comes
    nearest; all with labels that tell them apart.

    To be called after the last control and before the title, which shows what is wrong with a link.

    Args:
        names, codes: as for ``pinned.kept_control``.
    """
    found = [live]
    try:
        one_kept = pinned.kept_control(live, beside.place, names, codes)
        found += [one_kept] if one_kept else []
    except ArtifactError as error:
        _left_out("The kept view", error)
    for other in beside.suites:
        try:
            view = nearest_view(live, other)
        except ArtifactError as error:
            _left_out(f"The suite “{escaped(other.name)}”", error)
            continue
        if all(parts(view).items() - parts(there).items() for there in found[1:]):
            found.append(view)  # the kept view may be the very same
    return labelled(found)


def _left_out(what: str, error: ArtifactError) -> None:
    reason = str(error).replace("$", r"\$")
    show.warning(f"{what} is left out of the comparison. {reason}", icon=":material/error:")


def kept_one(shown: list[View]) -> View | None:
    """The kept view, if there is one beside the live one, the first."""
    return next((view for view in shown if view.kept), None)


def differ_in(shown: list[View], *names: str) -> bool:
    """Whether any two views that speak of them differ in one of these parts."""
    words = [parts(view) for view in shown]
    return any(len({w[name] for w in words if name in w}) > 1 for name in names)


def side_by_side(
    shown: list[View], draw: Callable[[View], alt.TopLevelMixin | str], what: str
) -> None:
    """The same chart of every view, each under what sets it apart from the others.

    Args:
        draw: the chart, or a sentence that says what the suite lacks; an ``ArtifactError`` of one
            view is shown in its column.
        what: the chart shows, for its title.
    """
    suites = len({view.suite.name for view in shown})

    def heading(view: View) -> None:
        _heading(view, of_suites=suites > 1)

    def chart(view: View) -> None:
        _chart(view, draw, what)

    for start in range(0, len(shown), _IN_A_ROW):
        row = shown[start : start + _IN_A_ROW]
        # Words of different lengths stand in rows of their own, so that the charts are level.
        for part in (heading, chart, _footnote):
            for column, view in zip(st.columns(len(row)), row, strict=True):
                with column:
                    part(view)


def _chart(view: View, draw: Callable[[View], alt.TopLevelMixin | str], what: str) -> None:
    try:
        chart = draw(view)
    except ArtifactError as error:
        frame.show_error(error)
        return
    if isinstance(chart, str):
        show.info(chart, icon=":material/inbox:")
    else:
        show.chart(chart, f"{what}, {escaped(view.label)}", width="stretch")


def _footnote(view: View) -> None:
    for sentence in frame.stand_ins(view.suite):
        show.caption(sentence)


def span_of(
    shown: list[View], ends: Callable[[View], tuple[float, float] | None]
) -> tuple[float, float] | None:
    """The vertical axis that charts of all views share.

    Args:
        ends: smallest and largest value of a view's own chart, None if there is none.
    """
    found = []
    for view in shown:
        try:
            found.append(ends(view))
        except ArtifactError:
            continue  # its column says so
    pairs = [pair for pair in found if pair is not None]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else None


def attempt(compute: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """A table of one view, None where its files are damaged: its column says so."""
    try:
        return compute()
    except ArtifactError:
        return None


def _heading(view: View, of_suites: bool) -> None:
    """What sets a view apart; where suites are compared, also what its suite is."""
    setting = view.choice.setting.label if view.choice and "quantizer" in view.said else ""
    rest = f", {setting}" if setting and setting not in view.label else ""
    show.markdown(f"**{escaped(view.label)}**{rest}")
    whose = ":material/push_pin: the kept view" if view.kept else ""
    if not of_suites:
        whose = whose or ":material/tune: follows the controls"
    facts = [whose, *(_facts(view) if of_suites else [])]
    note = f"**{view.note[0].upper()}{view.note[1:]}**" if view.note else ""
    words = [*filter(None, ["; ".join(filter(None, facts)), note])]
    show.caption(". ".join(words) + ".")


def _facts(view: View) -> list[str]:
    facts = [tokenizer_words(view.suite)]
    if view.choice is not None:
        there = forms_of(view.suite.is_sampled).values()
        label = next(form.label for form in there if form.key == view.choice.form)
        facts.append(f"form *{label}*")
    facts[-1] += ", " + ("sampled windows" if view.suite.is_sampled else "every training token")
    return [*facts, f"trained on {escaped(trained_on(view.suite.models()))}"]


def tokenizer_words(suite: Suite) -> str:
    """``V = 50,277, bytes per token: 4.2``."""
    models = suite.models()
    vocabularies = ", ".join(f"{v:,}" for v in sorted(set(models["vocab_size"])))
    sizes = sorted({f"{value:.3g}" for value in models["bytes_per_token"]}, key=float)
    spread = " to ".join(dict.fromkeys([sizes[0], sizes[-1]]))
    return f"V = {vocabularies}, bytes per token: {spread}"


def same_tokens(shown: list[View], unit: Unit) -> bool:
    """Whether losses in this unit compare between the views."""
    sizes = {float(f"{b:.3g}") for view in shown for b in view.suite.models()["bytes_per_token"]}
    return unit.per_byte or len(sizes) <= 1


def unit_note(shown: list[View], unit: Unit) -> None:
    """Where tokens differ, that nats of them do not compare."""
    if not same_tokens(shown, unit):
        show.info(
            "These suites' tokens stand for different amounts of text, so a nat per token is not "
            "the same in each: their losses and bounds compare in **bits per byte** only, by the "
            "control *Unit of losses*.",
            icon=":material/balance:",
        )
