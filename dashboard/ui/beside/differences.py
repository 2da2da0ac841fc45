"""Two views in numbers: the live one, the kept one, and how far they are apart."""

from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from bounds.printed import rounded_up, upper_text
from dashboard.analysis.bound.terms import bound_terms
from dashboard.analysis.bound.units import Unit, shown
from dashboard.style.badges import CERTIFIED, NOT_CERTIFIED
from dashboard.style.escaping import escaped
from dashboard.style.glossary import GAP_COLOUR, terms_in
from dashboard.style.numbers import LARGE_RISE, times_label
from dashboard.style.rounded_up import UPPER
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.drawing import show

#: Decimals of bounds and gaps.
_DIGITS = 4


@dataclass(frozen=True)
class Line:
    """One number of both views.

    Attributes:
        label: what it is, with its unit where that is not the table's.
        live, kept: its values.
        colour: that it has in charts.
        errors: standard errors of both, where they are estimates.
        upper: whether they are upper bounds, which are printed rounded up.
    """

    label: str
    live: float
    kept: float
    colour: str = ""
    errors: tuple[float, float] | None = None
    upper: bool = False

    @property
    def difference(self) -> float:
        """Live minus kept."""
        return self.live - self.kept

    @property
    def printed_difference(self) -> float:
        """The same of the numbers as they are printed, so that a row adds up."""
        if not self.upper:
            return self.difference
        return rounded_up(self.live, _DIGITS) - rounded_up(self.kept, _DIGITS)


def of_terms(
    shown: list[View], tables: dict[str, pd.DataFrame], unit: Unit, key: str = "", label: str = ""
) -> None:
    """Bound, gap and every term of the live and the kept view at their chosen models.

    Args:
        shown: the live view first; nothing is drawn unless one is kept.
        tables: ``terms.bound_terms`` in ``unit``, by label of the view.
        key: another column that the table begins with, if any.
        label: what that is, with its unit.
    """
    kept = compare.kept_one(shown)
    if kept is not None and {shown[0].label, kept.label} <= tables.keys():
        pair = [shown[0], kept]
        of_rows(pair, [row_of(tables[v.label], v) for v in pair], unit, key, label)


def of_rows(
    pair: list[View], rows: list[pd.Series], unit: Unit, key: str = "", label: str = ""
) -> None:
    """The same of two rows of ``terms.bound_terms``, the live one first."""
    if not compare.same_tokens(pair, unit):
        return  # the page has said so: their difference would be of different tokens
    live, kept = rows
    lines = [Line(label, float(live[key]), float(kept[key]))] if key else []
    bits = (float(row["code_bits"] / row["params_total"]) for row in rows)
    lines += [Line("Code, bits per parameter", *bits), *term_lines(live, kept)]
    names = [escaped(row["model_id"]) for row in rows]
    same = names[0] == names[1]
    heads = [_head(view, row, named=not same) for view, row in zip(pair, rows, strict=True)]
    table(heads, lines, f"{unit.label}, {names[0]}" if same else unit.label)
    if not any(_stands_in(view, row) for view, row in zip(pair, rows, strict=True)):
        reading(lines, unit)


def _head(view: View, row: pd.Series, named: bool) -> str:
    """What sets a view apart, the setting where each model has its own, the model if it is to be
    ``named`` or is not the one that the view asks for, and whether the numbers are certified."""
    label = view.label
    instead = _stands_in(view, row)
    for words in (row.get("setting", ""), row["model_id"] if named and not instead else ""):
        label += f", {words}" if words and words not in label else ""
    if instead:
        label += f" (no bound there; the nearest with one is {row['model_id']})"
    return f"{escaped(label)} {CERTIFIED if row['certified'] else NOT_CERTIFIED}"


def _stands_in(view: View, row: pd.Series) -> bool:
    """Whether a view asks for one model, or a size that none has, and the row is another one's."""
    return view.said.get("model", row["model_id"]) != row["model_id"]


def row_of(terms: pd.DataFrame, view: View) -> pd.Series:
    """The row of the model nearest to a view's size."""
    return terms.set_index("model_id", drop=False).loc[nearest_model(terms, view.size)]


def term_lines(live: pd.Series, kept: pd.Series) -> list[Line]:
    """Bound, gap, and the terms that either row has."""
    keys = [("Bound", "total_nats", ""), ("Gap", "gap_nats", GAP_COLOUR)]
    shown = terms_in(pd.DataFrame([live, kept]))
    keys += [(term.label, term.key, term.colour) for term in shown]
    errors = (float(live["gap_se_nats"]), float(kept["gap_se_nats"]))
    return [
        Line(
            label,
            float(live[key]),
            float(kept[key]),
            colour,
            errors if key == "gap_nats" and any(errors) else None,
            upper=key in UPPER,
        )
        for label, key, colour in keys
    ]


def table(heads: list[str], lines: list[Line], unit: str) -> None:
    """The numbers side by side, with their difference in the last column.

    Args:
        heads: of the live and the kept view, in Markdown.
        unit: of all lines that name none.
    """
    live, kept = (head.replace("|", r"\|") for head in heads)
    rows = [
        f"| | {unit} | {live} | :material/push_pin: {kept} | difference |",
        "|---|---|--:|--:|--:|",
    ]
    for line in lines:
        square = (
            f"<span style='color:{line.colour};font-size:1.5em'>■</span>" if line.colour else ""
        )
        of = partial(upper_text, digits=_DIGITS) if line.upper else _number
        values = [of(value) for value in (line.live, line.kept)]
        apart = _number(line.printed_difference, sign=True)
        if line.errors is not None:  # no more digits than are known
            pairs = zip((line.live, line.kept), line.errors, strict=True)
            values = [f"{value:,.4g} ± {error:.2g}" for value, error in pairs]
            apart = f"{line.difference:+.2g}".replace("-", "−")
        rows.append(f"| {square} | **{line.label}** | {' | '.join(values)} | {apart} |")
    show.markdown("\n".join(rows), unsafe_allow_html=True)


def _number(value: float, sign: bool = False) -> str:
    """To four places, or to two digits where that would be nothing but noughts."""
    if pd.isna(value):
        return "—"
    if value == 0.0:
        return "0"
    size = abs(value)
    kind = ".4f" if 0.0005 <= size < 1000 else ",.5g" if size >= 1000 else ".1e"
    return f"{value:{'+' if sign else ''}{kind}}".replace("-", "−")


def reading(lines: list[Line], unit: Unit) -> None:
    """How the gap of the live view stands to that of the kept one, and which term moves most."""
    gap = next((line for line in lines if line.label == "Gap"), None)
    if gap is None:
        return
    terms = lines[lines.index(gap) + 1 :]
    most = max(terms, key=lambda line: abs(line.difference))
    if not gap.difference and not most.difference:
        show.caption("Gap and terms of the two views are the same.")
        return
    share = f" ({abs(gap.difference) / gap.kept:.1%})" if gap.kept > 0 else ""
    if gap.kept > 0 and gap.live >= LARGE_RISE * gap.kept:
        share = f" ({times_label(gap.live / gap.kept)} times as large)"
    how = f"is {_number(abs(gap.difference))} {unit.label}{share} "
    how += "smaller than" if gap.difference < 0 else "larger than"
    if not gap.difference:
        how = "is the same as"
    show.caption(
        f"The gap of the view that follows the controls {how} that of the kept one; the term that "
        f"moves most is *{most.label}*, by {_number(most.difference, sign=True)}. Differences are "
        "that view minus the kept one."
    )


def terms_of(view: View, unit: Unit, form: str | None = None) -> pd.DataFrame:
    """``terms.bound_terms`` of a view, in ``unit``."""
    choice = view.choice if form is None else replace(view.choice, form=form)
    return shown(view.suite, bound_terms(view.suite, choice), unit)


def of_views(
    views: list[View], unit: Unit, form: str | None, key: str = "", label: str = ""
) -> None:
    """The live and the kept view in numbers, with one more column of ``bound_terms`` first."""
    if compare.kept_one(views) is None:
        return
    tables = {}
    for view in views:
        terms = compare.attempt(lambda v=view: terms_of(v, unit, form))
        if terms is not None and len(terms):
            tables[view.label] = terms
    of_terms(views, tables, unit, key, label)
