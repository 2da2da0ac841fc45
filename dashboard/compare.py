"""Several suites side by side: which, at which choice, and the same chart of each in a column."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import frame, record, show, sources
from dashboard.artifacts import Suite
from dashboard.certificates import plain
from dashboard.errors import ArtifactError
from dashboard.forms import forms_of
from dashboard.settings import Setting
from dashboard.suite_controls import compare_control
from dashboard.terms import UNQUANTIZED, Choice
from dashboard.units import Unit

#: Charts in a row.
_IN_A_ROW = 3


@dataclass(frozen=True)
class View:
    """One suite at the choice that comes nearest to what the controls say.

    Attributes:
        suite: open.
        choice: of this suite.
        note: in which way it differs from the controls, empty if in none.
    """

    suite: Suite
    choice: Choice
    note: str = ""


def others(suite: Suite) -> list[Suite]:
    """In the sidebar, the suites to compare with; one that cannot be opened is named and left out.

    To be called on pages that compare, before their own controls.
    """
    names = [name for name in sources.suite_names() if name != suite.name]
    if not names:
        return []
    with st.sidebar:
        chosen = compare_control(names)
    found = []
    for name in chosen:
        try:
            found.append(sources.open_by_name(name))
        except ArtifactError as error:
            _left_out(name, error)
    record.current().suites += found
    return found


def views(suite: Suite, choice: Choice, beside: list[Suite]) -> list[View]:
    """The chosen suite first, then the others, each at its nearest choice."""
    found = [View(suite, choice)]
    for other in beside:
        try:
            found.append(nearest_view(suite, choice, other))
        except ArtifactError as error:
            _left_out(other.name, error)
    return found


def _left_out(name: str, error: ArtifactError) -> None:
    reason = str(error).replace("$", r"\$")
    show.warning(
        f"The suite “{plain(name)}” is left out of the comparison. {reason}",
        icon=":material/error:",
    )


def nearest_view(suite: Suite, choice: Choice, other: Suite) -> View:
    """What comes nearest in another suite to a choice in this one.

    Raises:
        ArtifactError: the other suite has no setting that bounds can be computed at.
    """
    setting = nearest_setting(suite, choice.setting, other)
    forms = [form.key for form in forms_of(other.is_sampled).values()]
    form = choice.form if choice.form in forms else forms[0]
    notes = []
    if setting != choice.setting:
        notes.append(f"not measured there: {choice.setting.label}; its nearest is shown")
    return View(other, replace(choice, setting=setting, form=form), "; ".join(notes))


def nearest_setting(suite: Suite, setting: Setting, other: Suite) -> Setting:
    """The setting itself where another suite has it, else the one of nearest entropy-coded bits per
    parameter, of the same quantizer if there is any.

    Raises:
        ArtifactError: the other suite has no setting that bounds can be computed at.
    """
    there = other.settings()
    if setting in there:
        return setting
    alike = [found for found in there if found.family == setting.family]
    on_grid = [found for found in there if found.family != UNQUANTIZED.family]
    target = suite.bits_per_parameter(setting)["entropy_coded"]

    def distance(found: Setting) -> float:
        return abs(math.log(other.bits_per_parameter(found)["entropy_coded"] / target))

    return min(alike or on_grid or there, key=distance)


def side_by_side(
    shown: list[View], draw: Callable[[View], alt.TopLevelMixin | str], what: str
) -> None:
    """The same chart of every suite, each with its vocabulary and its setting over it.

    Args:
        draw: the chart, or a sentence that says what the suite lacks; an ``ArtifactError`` of one
            suite is shown in its column.
        what: the chart shows, for its title.
    """
    for start in range(0, len(shown), _IN_A_ROW):
        row = shown[start : start + _IN_A_ROW]
        # Words of different lengths stand in rows of their own, so that the charts are level.
        for part in (_heading, lambda view: _chart(view, draw, what), _footnote):
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
        show.chart(chart, f"{what}, {plain(view.suite.name)}", width="stretch")


def _footnote(view: View) -> None:
    for sentence in frame.stand_ins(view.suite):
        show.caption(sentence)


def attempt(compute: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """A table of one suite, None where its files are damaged: its column says so."""
    try:
        return compute()
    except ArtifactError:
        return None


def _heading(view: View) -> None:
    models = view.suite.models()
    show.markdown(f"**{plain(view.suite.name)}**, {view.choice.setting.label}")
    form = next(
        form for form in forms_of(view.suite.is_sampled).values() if form.key == view.choice.form
    )
    show.caption(
        f"{tokenizer_words(view.suite)}; form *{form.label}*, "
        f"{'sampled windows' if view.suite.is_sampled else 'every training token'}; trained on "
        f"{plain(', '.join(sorted(set(models['corpus']))))}"
        + (f". **{view.note[0].upper()}{view.note[1:]}**" if view.note else "")
        + "."
    )


def tokenizer_words(suite: Suite) -> str:
    """``V = 50,277, bytes per token: 4.2``."""
    models = suite.models()
    vocabularies = ", ".join(f"{v:,}" for v in sorted(set(models["vocab_size"])))
    sizes = sorted({f"{value:.3g}" for value in models["bytes_per_token"]}, key=float)
    spread = " to ".join(dict.fromkeys([sizes[0], sizes[-1]]))
    return f"V = {vocabularies}, bytes per token: {spread}"


def unit_note(shown: list[View], unit: Unit) -> None:
    """Where tokens differ, that nats of them do not compare."""
    sizes = {float(f"{b:.3g}") for view in shown for b in view.suite.models()["bytes_per_token"]}
    if len(sizes) > 1 and not unit.per_byte:
        show.info(
            "These suites' tokens stand for different amounts of text, so a nat per token is not "
            "the same in each: their losses and bounds compare in **bits per byte** only, by the "
            "control *Unit of losses*.",
            icon=":material/balance:",
        )
