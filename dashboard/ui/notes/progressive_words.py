"""Text about the bound during training, and what it does not cover."""

import pandas as pd

from bounds.printed import upper_text
from dashboard.analysis.bound.progressive import SHORT_LABEL
from dashboard.analysis.bound.units import Unit
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show
from dashboard.ui.notes.caveats import not_certified

#: Why a bound of the final model by its code is another statement.
ANOTHER_STATEMENT = (
    "A bound of the final model is another statement: that model has seen every token that scores "
    "it, so it needs a code."
)


def reading(rows: pd.DataFrame, model_id: str, failure_probability: float, unit: Unit) -> None:
    """A caption for the bound during training, with the numbers of one model, or the reason for
    none.

    Args:
        rows: of ``progressive.on_the_way``, in ``unit``.
    """
    if rows.empty:
        show.caption(
            "The bound on the mean risk during training is not shown: this suite has no histogram "
            "of online losses, which only training here stores."
        )
        return
    # No badge: the headline's badge is about the final model, and the two must not be confused.
    status = ", certified" if rows["certified"].all() else ""
    own = rows[rows["model_id"] == model_id]
    value = ""
    if len(own):
        row = own.iloc[0]
        value = (
            f" {upper_text(row['total'])} {unit.label} for {escaped(model_id)}, whose mean "
            f"online loss is {row['online_loss']:.3f}."
        )
    show.caption(
        f"▲ **{SHORT_LABEL}**{status}:{value} Each batch was scored before training on it, so the "
        "mean risk during training is bounded without a code (with probability "
        f"{1 - failure_probability:.12g}). {ANOTHER_STATEMENT}{_trained_again(rows)}"
    )
    not_certified(rows, f"Hollow triangles ({SHORT_LABEL.lower()})")


def _trained_again(rows: pd.DataFrame) -> str:
    """The source of the losses, if it is not the training of the models themselves."""
    devices = sorted(rows["trained_again_on"].dropna().unique())
    return f" {trained_again_words(devices)}" if devices else ""


def trained_again_words(devices: list[str]) -> str:
    """The sentence that online losses are of a second training, and its device."""
    return (
        "These losses are of a second training with the same text, recipe and seeds "
        f"({escaped(', '.join(devices))}). It rounds differently, so its weights differ from "
        "those of the measured models."
    )
