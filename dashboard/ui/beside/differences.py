"""Two views in numbers: the live one, the pinned one, and their differences."""

from dataclasses import dataclass
from functools import partial

import pandas as pd

from bounds.printed import rounded_up, upper_text
from dashboard.style.badges import CERTIFIED, NOT_CERTIFIED
from dashboard.style.escaping import escaped
from dashboard.style.glossary import GAP_COLOUR, TERMS
from dashboard.style.numbers import LARGE_RISE, error_label, times_label
from dashboard.style.rounded_up import UPPER
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show

#: Decimals of bounds and gaps.
_DIGITS = 4


@dataclass(frozen=True)
class Number:
    """One number of a view.

    Attributes:
        colour: in charts.
        error: standard error, if it is an estimate.
        upper: whether it is an upper bound, which is printed rounded up.
    """

    value: float
    colour: str = ""
    error: float = 0.0
    upper: bool = False

    @property
    def printed(self) -> float:
        """The value as it is printed, so that a row adds up."""
        return rounded_up(self.value, _DIGITS) if self.upper else self.value

    @property
    def text(self) -> str:
        """The value as it is printed."""
        if self.error:  # only known digits
            return f"{self.value:,.4g} ± {error_label(self.error)}"
        return upper_text(self.value, _DIGITS) if self.upper else _number(self.value)


@dataclass(frozen=True)
class Numbers:
    """The numbers of one view in the table.

    Attributes:
        head: label of the view, in Markdown.
        lines: by their labels, with the unit if that is not the table's.
        model: of the numbers, named in the head unless both views have the same.
        badge: of the numbers, in Markdown.
        instead: whether the model replaces a size that the view asks for.
    """

    head: str
    lines: dict[str, Number]
    model: str = ""
    badge: str = ""
    instead: bool = False


def of_bound(view: View, row: pd.Series, first: dict[str, Number] | None = None) -> Numbers:
    """Code length, bound, gap and every term of a row of ``Losses`` of ``terms.bound_terms``.

    Args:
        first: first numbers of the table.
    """
    label, model = view.label, row["model_id"]
    setting = row.get("setting", "")  # if each model has its own
    label += f", {setting}" if setting and setting not in label else ""
    instead = view.said.get("model", model) != model
    if instead:
        label += f" (no bound there; the nearest with one is {model})"
    keys = [("Bound", "total", ""), ("Gap", "gap", GAP_COLOUR)]
    keys += [(term.label, term.key, term.colour) for term in TERMS]
    error = partial({"gap": float(row["gap_se"])}.get)
    lines = {
        label: Number(float(row[key]), colour, error(key, 0.0), key in UPPER)
        for label, key, colour in keys
    }
    code = {"Code, bits per parameter": Number(float(row["code_bits"] / row["params_total"]))}
    badge = CERTIFIED if row["certified"] else NOT_CERTIFIED
    return Numbers(escaped(label), (first or {}) | code | lines, model, badge, instead)


def table(pair: list[Numbers], unit: str) -> None:
    """The numbers of the live and the pinned view side by side, with their difference last.

    Lines that a view lacks, or that are 0 in both, are left out.

    Args:
        unit: of all lines without a unit.
    """
    live, pinned = pair
    same = live.model == pinned.model
    heads = [_head(numbers, named=not same).replace("|", r"\|") for numbers in pair]
    of = f"{unit}, {escaped(live.model)}" if same and live.model else unit
    rows = [
        f"| | {of} | {heads[0]} | :material/push_pin: {heads[1]} | difference |",
        "|---|---|--:|--:|--:|",
    ]
    lines = {
        label: (here, pinned.lines[label])
        for label, here in live.lines.items()
        if label in pinned.lines and (here.value or pinned.lines[label].value)
    }
    for label, (here, there) in lines.items():
        square = (
            f"<span style='color:{here.colour};font-size:1.5em'>■</span>" if here.colour else ""
        )
        apart = _number(here.printed - there.printed, sign=True)
        if here.error or there.error:
            apart = f"{here.value - there.value:+.2g}".replace("-", "−")
        rows.append(f"| {square} | **{label}** | {here.text} | {there.text} | {apart} |")
    show.markdown("\n".join(rows), unsafe_allow_html=True)
    if "Gap" in lines and not (live.instead or pinned.instead):
        _reading({label: (a.value, b.value) for label, (a, b) in lines.items()}, unit)


def _head(numbers: Numbers, named: bool) -> str:
    model = escaped(numbers.model)
    name = f", {model}" if named and model and model not in numbers.head else ""
    return f"{numbers.head}{name} {numbers.badge}".rstrip()


def _number(value: float, sign: bool = False) -> str:
    """A number to four places, or to two digits if that would be zero."""
    if pd.isna(value):
        return "—"
    if value == 0.0:
        return "0"
    size = abs(value)
    kind = ".4f" if 0.0005 <= size < 1000 else ",.5g" if size >= 1000 else ".1e"
    return f"{value:{'+' if sign else ''}{kind}}".replace("-", "−")


def _reading(lines: dict[str, tuple[float, float]], unit: str) -> None:
    """The comparison of the two gaps, and the term with the largest change."""
    labels = list(lines)
    terms = {label: lines[label] for label in labels[labels.index("Gap") + 1 :]}
    apart = {label: live - pinned for label, (live, pinned) in terms.items()}
    most = max(apart, key=lambda label: abs(apart[label]))
    live, pinned = lines["Gap"]
    gap = live - pinned
    if not gap and not apart[most]:
        show.caption("Gap and terms of the two views are the same.")
        return
    share = f" ({abs(gap) / pinned:.1%})" if pinned > 0 else ""
    if pinned > 0 and live >= LARGE_RISE * pinned:
        share = f" ({times_label(live / pinned)} times as large)"
    how = f"is {_number(abs(gap))} {unit}{share} "
    how += "smaller than" if gap < 0 else "larger than"
    if not gap:
        how = "is the same as"
    show.caption(
        f"The gap of the view that follows the controls {how} that of the pinned one. The term "
        f"with the largest change is *{most}*, by {_number(apart[most], sign=True)}. Differences "
        "are that view minus the pinned one."
    )
