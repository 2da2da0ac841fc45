"""The model size a page is about: a measured model, or any size, by the laws of those measured."""

import math
from dataclasses import dataclass

import pandas as pd

from bounds import PowerLaw
from dashboard.numbers import count_label

#: What the size control offers beside the measured models.
ANOTHER = "another size"

#: Sizes that may be asked for.
SMALLEST, LARGEST = 1e3, 1e13


@dataclass(frozen=True)
class ChosenSize:
    """A size, and how it stands to what was measured.

    Attributes:
        params: N.
        model_id: the measured model of this size, or the nearest one on a log axis.
        measured: whether ``model_id`` has this very size.
        smallest, largest: N of the smallest and the largest measured model.
    """

    params: float
    model_id: str
    measured: bool
    smallest: float
    largest: float

    @property
    def at(self) -> float | None:
        """N where only laws can say something, None at a measured model."""
        return None if self.measured else self.params

    @property
    def extrapolated(self) -> bool:
        """Whether N lies outside the measured sizes."""
        return not self.smallest <= self.params <= self.largest

    @property
    def standing(self) -> str:
        """In words: how N stands to the measured sizes."""
        if not self.extrapolated:
            return "between measured sizes"
        above = self.params > self.largest
        factor = self.params / self.largest if above else self.smallest / self.params
        what = "beyond the largest" if above else "below the smallest"
        return f"extrapolated, {times(factor)} {what} measured model"


def times(factor: float) -> str:
    """``1.5 times``, ``2,000 times``."""
    shown = f"{factor:.2g}" if factor < 10 else f"{float(f'{factor:.2g}'):,.0f}"
    return f"{shown} times"


def chosen_size(models: pd.DataFrame, params: float) -> ChosenSize:
    """The size ``params`` among ``models``, columns model_id and params_total."""
    distance = (models["params_total"].astype(float).map(math.log) - math.log(params)).abs()
    nearest = models.loc[distance.idxmin()]
    return ChosenSize(
        params=float(params),
        model_id=str(nearest["model_id"]),
        measured=float(nearest["params_total"]) == float(params),
        smallest=float(models["params_total"].min()),
        largest=float(models["params_total"].max()),
    )


def default_size(models: pd.DataFrame) -> str:
    """Ten times the largest measured size, as one writes it."""
    return count_label(10.0 * float(models["params_total"].max()))


def estimate(law: PowerLaw, n: float) -> tuple[float, float, float]:
    """A law's value at size ``n`` with its 95 % interval: (value, low, high)."""
    low, high = law.band(n)
    return float(law.at(n)), float(low[0]), float(high[0])
