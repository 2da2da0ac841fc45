"""What the line of the models on the way says, and what it does not."""

import pandas as pd

from dashboard import show
from dashboard.certificates import CERTIFIED, not_certified, plain
from dashboard.progressive import COLOUR, SHORT_LABEL
from dashboard.units import Unit

#: Why a bound of the final model by its code is another statement.
ANOTHER_STATEMENT = (
    "A bound of the final model by its code is another statement: it holds for the one model that "
    "is kept, whereas this one holds for the average of the models along the way, needs no "
    "compression, and offers nothing to select a model with."
)


def reading(rows: pd.DataFrame, model_id: str, failure_probability: float, unit: Unit) -> None:
    """What the line is, in numbers of one model where it has any; or why there is no line.

    Args:
        rows: of ``progressive.on_the_way``, in ``unit``.
    """
    if rows.empty:
        show.caption(
            "What training itself certifies of the models on the way is not shown: it needs a "
            "histogram of online losses, kept while a model is trained here. This suite has none."
        )
        return
    sign = f"<span style='color:{COLOUR}'>▲</span>"
    badge = f"{CERTIFIED} " if rows["certified"].all() else ""
    sentence = (
        f"{badge}{sign} **{SHORT_LABEL}**: each batch was scored before it was trained on. With "
        f"probability at least {1 - failure_probability:.12g}, the mean risk during training of "
        "the models on the way, each smoothed, is at most this value. "
    )
    own = rows[rows["model_id"] == model_id]
    if len(own):
        row = own.iloc[0]
        sentence += (
            f"For {plain(model_id)} it is {row['total_nats']:.3f} {unit.label}, "
            f"{row['gap_nats']:.3f} above the mean online loss. "
        )
    show.markdown(f"<small>{sentence}{ANOTHER_STATEMENT}</small>", unsafe_allow_html=True)
    not_certified(rows, f"Hollow triangles ({SHORT_LABEL.lower()})")
