"""Checks of public arguments: each error names the argument, its value and the expectation."""

import math


def require_probability(name: str, value: float) -> float:
    """Return ``value`` if it is strictly between 0 and 1, else raise ValueError."""
    if not (isinstance(value, (int, float)) and 0.0 < value < 1.0):
        raise ValueError(f"{name}={value!r} must lie strictly between 0 and 1")
    return float(value)


def require_positive(name: str, value: float) -> float:
    """Return ``value`` if it is finite and greater than 0, else raise ValueError."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}={value!r} must be a finite number greater than 0")
    return float(value)


def require_count(name: str, value: int, at_least: int = 1) -> int:
    """Return ``value`` as an int if it is a whole number >= ``at_least``, else raise ValueError."""
    if not math.isfinite(value) or int(value) != value or value < at_least:
        raise ValueError(f"{name}={value!r} must be a whole number of at least {at_least}")
    return int(value)
