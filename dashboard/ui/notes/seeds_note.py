"""How wide the bounds of one size spread over the seeds it was trained with, in a caption."""

import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show


def reading(of_seeds: pd.DataFrame, unit: Unit) -> None:
    """What the ranges in a chart are, and how wide the widest is."""
    if of_seeds.empty:
        return
    widest = of_seeds.loc[(of_seeds["high"] - of_seeds["low"]).idxmax()]
    names = escaped(", ".join(of_seeds["model_id"]))
    show.caption(
        f"Sizes trained with several seeds ({names}): shown is the "
        "first, and the whisker runs from the lowest bound to the highest. The widest range is "
        f"{widest['high'] - widest['low']:.3f} {unit.label}, of {escaped(widest['model_id'])}."
    )
