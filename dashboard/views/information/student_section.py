"""Teacher and student on the page *Information*: what they are, and the bits between them."""

import altair as alt
import pandas as pd
import streamlit as st

from bounds.codes.requential import STUDENT_RECIPE_BITS
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import REQUENTIAL
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.measured import students
from dashboard.artifacts.suite import Suite
from dashboard.charts import tooltips, vega
from dashboard.style.escaping import escaped
from dashboard.style.glossary import CODE_COLOURS, GUIDE_COLOUR, NEEDS_TRAINING
from dashboard.style.numbers import COUNT_TICKS
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.information.charts import HEIGHT

_TEACHER, _STUDENT = "teacher", "student"

_WHAT_HAPPENS = (
    "A **teacher** trains on the text. A **student** of the same shape never sees it: it learns "
    "from text that the teacher draws, step after step. How surprised is the student, compared "
    "with the teacher, by what is drawn? Let $Q$ be the teacher's and $P$ the student's "
    "probability of a drawn token. The sum of all $\\log_2 (Q/P)$ is **what the student is "
    "charged for**: it takes the place of a code length in the bound of the student. In the "
    "geometric form that bound is a certificate. No file is written."
)


def section(suite: Suite, model_id: str, unit: Unit) -> None:
    """Explain teacher and student, with the course of one model's student, or why there is none."""
    show.subheader("A student that never sees the text")
    show.markdown(_WHAT_HAPPENS)
    course = Losses.of(suite, students.course(suite, model_id), unit, model_id).table
    if course.empty:
        other = " Other sizes of this suite have one." if suite.has_students else ""
        show.info(
            f"{escaped(model_id)} has no student.{other or f' {NEEDS_TRAINING}'}",
            icon=":material/inbox:",
        )
        return
    left, right = st.columns(2)
    with left:
        below = subtitle("bits per parameter", "summed over all tokens drawn so far")
        show.chart(taken(course), f"What the student took, {escaped(model_id)}", below)
    with right:
        below = subtitle(unit.label, "before the student learned from it")
        show.chart(losses(course, unit), "Loss of both on the drawn text", below)
    last = course.iloc[-1]
    show.caption(
        f"The student took {last['bits']:,.0f} bits, {last['bits_per_parameter']:.2f} per "
        f"parameter; the bound also pays {STUDENT_RECIPE_BITS:g} bits for its recipe. The distance "
        "between the two losses is what it pays for at that moment. The teacher is held close to "
        "the student, so that it knows little that the student would have to learn without need. "
        "docs/THEORY.md, section 10, has the proof and the recipe."
    )


def taken(course: pd.DataFrame) -> alt.LayerChart:
    """Bits per parameter so far against tokens drawn.

    Args:
        course: of ``students.course``.
    """
    colour = CODE_COLOURS[REQUENTIAL]
    base = vega.Chart(tooltips.with_counts(course, "tokens"))
    x = alt.X("tokens:Q", title="Tokens drawn", axis=alt.Axis(**COUNT_TICKS, grid=False))
    y = alt.Y("bits_per_parameter:Q", title="Bits per parameter")
    tooltip = [
        tooltips.count("tokens", "tokens drawn"),
        tooltips.number("bits_per_parameter", "bits per parameter"),
    ]
    return vega.layer(
        base.mark_area(opacity=0.15, color=colour).encode(x=x, y=y),
        base.mark_line(color=colour, strokeWidth=2).encode(x=x, y=y, tooltip=tooltip),
    ).properties(height=HEIGHT)


def losses(course: pd.DataFrame, unit: Unit) -> alt.LayerChart:
    """Loss of teacher and student on what is drawn; the area between is what the student pays.

    Args:
        course: of ``students.course``, losses in ``unit``.
    """
    frame = tooltips.with_counts(course, "tokens")
    ends = [0.95 * float(course["teacher_loss"].min()), float(course["student_loss"].max())]
    x = alt.X("tokens:Q", title="Tokens drawn", axis=alt.Axis(**COUNT_TICKS, grid=False))
    scale = alt.Scale(domain=ends, nice=False, clamp=True)
    colour = alt.Color(
        "who:N",
        scale=alt.Scale(
            domain=[_TEACHER, _STUDENT], range=[GUIDE_COLOUR, CODE_COLOURS[REQUENTIAL]]
        ),
        legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1),
    )
    between = vega.Chart(frame).mark_area(opacity=0.2, color=CODE_COLOURS[REQUENTIAL])
    title = f"Loss, {unit.label}"
    layers = [
        between.encode(
            x=x, y=alt.Y("student_loss:Q", title=title, scale=scale), y2="teacher_loss:Q"
        )
    ]
    for who, key in ((_TEACHER, "teacher_loss"), (_STUDENT, "student_loss")):
        line = vega.Chart(frame.assign(who=who)).mark_line(strokeWidth=1.4)
        tooltip = [tooltips.count("tokens", "tokens drawn"), tooltips.number(key, f"loss, {who}")]
        y = alt.Y(f"{key}:Q", title=title, scale=scale)
        layers.append(line.encode(x=x, y=y, color=colour, tooltip=tooltip))
    return vega.layer(*layers).properties(height=HEIGHT)
