"""Requential students: what they certify, and the bits that they took."""

import pandas as pd

from bounds.codes.requential import STUDENT_RECIPE_BITS
from dashboard.analysis.bound.terms import REQUENTIAL, STUDENTS_FORM, Choice, bound_terms
from dashboard.analysis.laws.fits import law_of
from dashboard.artifacts.settings import STUDENT
from dashboard.style.glossary import NEEDS_TRAINING
from tools.results.ladder import DELTA, Ladder
from tools.results.markdown import Part, paragraphs, table
from tools.results.sections.gains import all_chains
from tools.results.words import listed, number, percent, spread, trend_words, upper

HEADING = "### Certified without a code, for a student"


def section(ladder: Ladder) -> Part:
    """The section, a part of that on bounds."""
    rows = students(ladder)
    if rows.empty:
        return Part(paragraphs(HEADING, f"Not shown: this suite has no students. {NEEDS_TRAINING}"))
    return Part(
        paragraphs(
            HEADING,
            _introduction(rows),
            _table(ladder, rows),
            _without(ladder, rows),
            _trends(ladder, rows),
        )
    )


def students(ladder: Ladder) -> pd.DataFrame:
    """``terms.bound_terms`` of every model's student, with bits_per_parameter, paper_gap and
    coded_gap (NaN where the steps before were not all measured)."""
    choice = Choice(STUDENT, REQUENTIAL, DELTA, STUDENTS_FORM)
    terms = bound_terms(ladder.suite, choice, list(ladder.models["model_id"]))
    if terms.empty:
        return terms
    chains = all_chains(ladder)
    ends = {name: frame["gap_nats"].iloc[[0, -1]].tolist() for name, frame in chains.items()}
    return terms.assign(
        bits_per_parameter=terms["code_bits"] / terms["params_total"],
        paper_gap=terms["model_id"].map({name: gaps[0] for name, gaps in ends.items()}),
        coded_gap=terms["model_id"].map({name: gaps[1] for name, gaps in ends.items()}),
    )


def _introduction(rows: pd.DataFrame) -> str:
    status = (
        f"**Certified** at $\\delta$ = {DELTA:g}, for each student separately"
        if rows["certified"].all()
        else "**Not certified**: another text stands in for the training text of some models"
    )
    return (
        "A student of the same shape learns from text that a teacher draws, and never sees the "
        "training text. In place of a code length it pays for the bits that it took from its "
        f"teacher, and {STUDENT_RECIPE_BITS:g} bits for its recipe (docs/THEORY.md, section 10). "
        "The probability is also over what the teacher draws. The geometric form "
        f"bounds the risk of the smoothed student. {status}. The gap is counted from the training "
        "loss of the plainly trained model, as everywhere, and the excess loss of the student is "
        "a part of it. The share is of the gap of the paper's form, the first column above; the "
        "last column is the last step above."
    )


def _table(ladder: Ladder, rows: pd.DataFrame) -> str:
    header = ["size", "students", "bits per parameter", "excess loss", "risk, at most", "gap"]
    header += ["share of the paper's gap", "gap by a code"]
    lines = []
    for size in ladder.sizes:
        here = rows[rows["model_id"].isin(size.models["model_id"])]
        if here.empty:
            continue
        shares = (100 * here["gap_nats"] / here["paper_gap"]).dropna()
        coded = here["coded_gap"].dropna()
        lines.append(
            [
                size.label,
                str(len(here)),
                spread(list(here["bits_per_parameter"]), 2),
                spread(list(here["quantization_gap_nats"])),
                spread(list(here["total_nats"]), write=upper),
                spread(list(here["gap_nats"]), write=upper),
                f"{spread(list(shares), 1)} %" if len(shares) else "–",
                spread(list(coded), write=upper) if len(coded) else "–",
            ]
        )
    return table(header, lines)


def _without(ladder: Ladder, rows: pd.DataFrame) -> str:
    names = ladder.models["model_id"]
    missing = [str(name) for name in names if name not in set(rows["model_id"])]
    return f"Without a student: {listed(missing)}." if missing else ""


def _trends(ladder: Ladder, rows: pd.DataFrame) -> str:
    first = rows[rows["model_id"].isin(ladder.first_models["model_id"])]
    bits, gap = (law_of(first, key) for key in ("bits_per_parameter", "gap_nats"))
    shares = first["gap_nats"] / first["paper_gap"]
    return (
        f"The number of bits per parameter {trend_words(bits)}; for students on FineWeb Qiu et al. "
        "(arXiv 2607.11883) report 1.92 at 65 million and 1.25 at a billion parameters. The gap "
        f"{trend_words(gap)}. At the largest size with a student it is "
        f"{percent(shares.iloc[-1], 0)} of the paper's, at "
        f"{number(first['bits_per_parameter'].iloc[-1], 2)} bits per parameter."
    )
