"""Scaling laws as the pages use them: fitted once per set of numbers, or the reason for none."""

from functools import lru_cache

import pandas as pd

from bounds import HeldOut, PowerLaw, UnfittableError, fit_power_law, predict_largest

#: Shapes of a law by what a reader sees; the value says whether a floor is fitted.
SHAPES = {"power law": False, "power law with a floor": True}


def law_of(frame: pd.DataFrame, key: str, floor: bool = False) -> PowerLaw | str:
    """Law of one column in ``params_total``, or the sentence that says why there is none."""
    return _fit(_numbers(frame["params_total"]), _numbers(frame[key]), floor)


def held_out_of(frame: pd.DataFrame, key: str, floor: bool = False) -> HeldOut | str:
    """What the law of the smaller models says of the largest, or why there is none."""
    return _predict(_numbers(frame["params_total"]), _numbers(frame[key]), floor)


def _numbers(column: pd.Series) -> tuple[float, ...]:
    return tuple(map(float, column))


@lru_cache(maxsize=4096)
def _fit(n: tuple[float, ...], y: tuple[float, ...], floor: bool) -> PowerLaw | str:
    try:
        return fit_power_law(n, y, floor=floor)
    except UnfittableError as reason:
        return f"No law: {reason}."


@lru_cache(maxsize=4096)
def _predict(n: tuple[float, ...], y: tuple[float, ...], floor: bool) -> HeldOut | str:
    try:
        return predict_largest(n, y, floor=floor)
    except (UnfittableError, ValueError) as reason:
        return f"No prediction: {reason}."


def formula(law: PowerLaw) -> str:
    """The law as one line of Python: ``1.23e+01 * N**-0.275``."""
    power = f"{law.coefficient:.6g} * N**{-law.exponent:.6g}"
    return f"{law.offset:.6g} + {power}" if law.offset else power


def exponent_in_words(law: PowerLaw | str) -> str:
    """The exponent with its interval as plain text, or why there is none."""
    if isinstance(law, str):
        return law
    low, high = law.exponent_interval
    start = f"{law.offset:.3g} + " if law.offset else ""
    return f"{start}∝ N^({signed(-law.exponent)})   95 %: {signed(-high)} to {signed(-low)}"


def signed(value: float) -> str:
    """With a true minus sign."""
    return f"{value:.3f}".replace("-", "−")
