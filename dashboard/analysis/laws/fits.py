"""Scaling laws as the pages use them: fitted once per set of numbers, or the reason for none."""

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from bounds import HeldOut, PowerLaw, UnfittableError, fit_power_law, predict_largest
from dashboard.style.numbers import superscript
from dashboard.style.plural import agree

#: Shapes of a law by their labels; the value says whether a floor is fitted.
SHAPES = {"power law": False, "power law with a floor": True}


@dataclass(frozen=True)
class Unfitted:
    """Why there is no law, or nothing else that would be fitted.

    Attributes:
        reason: a clause, such as “needs at least 3 sizes, not 2”.
        what: there is none of.
    """

    reason: str
    what: str = "law"

    def __str__(self) -> str:
        return f"No {self.what}: {self.reason}."


Law = PowerLaw | Unfitted


def too_few(frame: pd.DataFrame, floor: bool = False) -> str | None:
    """The sentence that there are too few sizes for any law; None if there are enough.

    A page shows it once instead of once for each quantity.

    Args:
        frame: column params_total.
    """
    needed, sizes = least_sizes(floor), int(frame["params_total"].nunique())
    if sizes >= needed:
        return None
    return (
        f"No law in model size: it needs at least {needed} sizes, and {sizes} "
        f"{agree(sizes, 'was', 'were')} measured here."
    )


def several_sizes(frame: pd.DataFrame) -> bool:
    """Whether anything can be drawn against model size.

    Args:
        frame: column params_total.
    """
    return bool(frame["params_total"].nunique() > 1)


def least_sizes(floor: bool = False) -> int:
    """The number of sizes that a law needs: one more than its parameters."""
    return 4 if floor else 3


def law_of(frame: pd.DataFrame, key: str, floor: bool = False) -> Law:
    """Law of one column in ``params_total``, or the reason for none."""
    return _fit(_numbers(frame["params_total"]), _numbers(frame[key]), floor)


def held_out_of(frame: pd.DataFrame, key: str, floor: bool = False) -> HeldOut | Unfitted:
    """The largest model predicted by the law of the smaller ones, or the reason for none."""
    return _predict(_numbers(frame["params_total"]), _numbers(frame[key]), floor)


def _numbers(column: pd.Series) -> tuple[float, ...]:
    return tuple(map(float, column))


@lru_cache(maxsize=4096)
def _fit(n: tuple[float, ...], y: tuple[float, ...], floor: bool) -> Law:
    try:
        return fit_power_law(n, y, floor=floor)
    except UnfittableError as reason:
        return Unfitted(str(reason))


@lru_cache(maxsize=4096)
def _predict(n: tuple[float, ...], y: tuple[float, ...], floor: bool) -> HeldOut | Unfitted:
    try:
        return predict_largest(n, y, floor=floor)
    except (UnfittableError, ValueError) as reason:
        return Unfitted(str(reason), "prediction")


def formula(law: PowerLaw) -> str:
    """The law as one line of Python: ``1.23e+01 * N**-0.275``."""
    power = f"{law.coefficient:.6g} * N**{-law.exponent:.6g}"
    return f"{law.offset:.6g} + {power}" if law.offset else power


def exponent_text(law: Law) -> str:
    """The law as ``∝ N⁻⁰·¹⁸⁷`` with the interval of its exponent, or the reason for no law."""
    if isinstance(law, Unfitted):
        return str(law)
    low, high = law.exponent_interval
    start = f"{law.offset:.3g} + " if law.offset else ""
    power = f"{start}∝ N{superscript(-law.exponent)}"
    return f"{power}   95 %: {signed(-high)} to {signed(-low)}"


def signed(value: float) -> str:
    """A number as text with a true minus sign."""
    return f"{value:.3f}".replace("-", "−")
