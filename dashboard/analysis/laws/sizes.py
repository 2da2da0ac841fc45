"""The model size of a page: a measured model, or any size, by the laws of the measured ones."""

import math
from dataclasses import dataclass

import pandas as pd

from dashboard.style.numbers import count_label, times_label

#: Option of the size control in addition to the measured models.
ANOTHER = "another size"

#: Sizes that can be requested.
SMALLEST, LARGEST = 1e3, 1e13

#: Tokens per parameter that can be requested: a tiny model may have seen a whole crawl.
RATIOS = (0.1, 1e10)

#: Sizes this close (in ln N) are one: people write 497k for 496,704.
SAME = 0.005


@dataclass(frozen=True)
class ChosenSize:
    """A size, and its position relative to the measured sizes.

    Attributes:
        params: N.
        model_id: the measured model of this size, or the nearest one on a log axis.
        measured: whether ``model_id`` has this size, to three digits.
        smallest, largest: N of the smallest and the largest measured model.
    """

    params: float
    model_id: str
    measured: bool
    smallest: float
    largest: float

    @property
    def at(self) -> float | None:
        """N if only laws describe it, None at a measured model."""
        return None if self.measured else self.params


def standing(n: float, smallest: float, largest: float) -> tuple[str, bool]:
    """The position of a size relative to the measured ones as text, and whether it is outside."""
    if smallest <= n <= largest:
        return "between measured sizes", False
    if n > largest:
        return f"{times_label(n / largest)}× beyond the largest measured model", True
    return f"{times_label(smallest / n)}× below the smallest measured model", True


def chosen_size(models: pd.DataFrame, params: float) -> ChosenSize:
    """The size ``params`` among ``models``, columns model_id and params_total."""
    distance = (models["params_total"].astype(float).map(math.log) - math.log(params)).abs()
    nearest = models.loc[distance.idxmin()]
    return ChosenSize(
        params=float(params),
        model_id=str(nearest["model_id"]),
        measured=bool(distance.min() < SAME),
        smallest=float(models["params_total"].min()),
        largest=float(models["params_total"].max()),
    )


def default_size(models: pd.DataFrame) -> str:
    """Ten times the largest measured size, rounded as people write it."""
    return count_label(10.0 * float(models["params_total"].max()))
