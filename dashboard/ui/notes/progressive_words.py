"""What the line of the models on the way says, and what it does not."""

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
    "it, so it must pay for a code."
)


def reading(rows: pd.DataFrame, model_id: str, failure_probability: float, unit: Unit) -> None:
    """What the line is, in numbers of one model where it has any; or why there is no line.

    Args:
        rows: of ``progressive.on_the_way``, in ``unit``.
    """
    if rows.empty:
        show.caption(
            "What training itself certifies of the models on the way is not shown: this suite has "
            "no histogram of online losses, which is kept while a model is trained here."
        )
        return
    # No badge: that of the headline is of the final model, and the two must not be taken for one.
    status = ", certified" if rows["certified"].all() else ""
    own = rows[rows["model_id"] == model_id]
    value = ""
    if len(own):
        row = own.iloc[0]
        value = (
            f" {upper_text(row['total_nats'])} {unit.label} for {escaped(model_id)}, whose mean "
            f"online loss is {row['online_loss_nats']:.3f}."
        )
    show.caption(
        f"▲ **{SHORT_LABEL}**{status}:{value} Each batch was scored before it was trained on, so "
        "the mean risk of the models during training is bounded without a code (with probability "
        f"{1 - failure_probability:.12g}). {ANOTHER_STATEMENT}{_trained_again(rows)}"
    )
    not_certified(rows, f"Hollow triangles ({SHORT_LABEL.lower()})")


def _trained_again(rows: pd.DataFrame) -> str:
    """Where the losses come from, if not from the training of the models themselves."""
    devices = sorted(rows["trained_again_on"].dropna().unique())
    return f" {trained_again_words(devices)}" if devices else ""


def trained_again_words(devices: list[str]) -> str:
    """That online losses are of a second training, and what it ran on."""
    return (
        "These losses are of a second training with the same text, recipe and seeds "
        f"({escaped(', '.join(devices))}), which rounds differently: its weights are not those of "
        "the measured models."
    )
