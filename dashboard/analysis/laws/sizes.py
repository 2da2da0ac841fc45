"""The model size a page is about: a measured model, or any size, by the laws of those measured."""

import math
from dataclasses import dataclass

import pandas as pd

from dashboard.style.numbers import count_label, times_label

#: What the size control offers beside the measured models.
ANOTHER = "another size"

#: Sizes that may be asked for.
SMALLEST, LARGEST = 1e3, 1e13

#: Tokens per parameter that may be asked for: a tiny model may have seen a whole crawl.
RATIOS = (0.1, 1e10)

#: Sizes so near (in ln N) are one: a reader writes 497k for 496,704.
SAME = 0.005


@dataclass(frozen=True)
class ChosenSize:
    """A size, and how it stands to what was measured.

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
        """N where only laws can say something, None at a measured model."""
        return None if self.measured else self.params


def standing(n: float, smallest: float, largest: float) -> tuple[str, bool]:
    """How a size stands to those measured, in words, and whether it lies outside them."""
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
    """Ten times the largest measured size, as one writes it."""
    return count_label(10.0 * float(models["params_total"].max()))
