"""A caption on the spread of a size's bounds over its training seeds."""

import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show


def reading(of_seeds: pd.DataFrame, unit: Unit) -> None:
    """The caption about the ranges in a chart and the widest of them."""
    if of_seeds.empty:
        return
    widest = of_seeds.loc[(of_seeds["high"] - of_seeds["low"]).idxmax()]
    names = escaped(", ".join(of_seeds["model_id"]))
    show.caption(
        f"Sizes trained with several seeds ({names}): the chart shows the first seed, and the "
        "whisker runs from the lowest bound to the highest. The widest range is "
        f"{widest['high'] - widest['low']:.3f} {unit.label}, of {escaped(widest['model_id'])}."
    )
