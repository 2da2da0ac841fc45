"""One line of what a check found."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One thing that was looked at.

    Attributes:
        part: of the check.
        what: was looked at.
        found: value and unit, or a sentence.
        wanted: what would be right; empty where nothing is.
        ok: whether ``found`` is as wanted; None for information.
        advice: what to do where it is not.
        seconds: after which it was found, counted from the start of the check.
    """

    part: str
    what: str
    found: str
    wanted: str = ""
    ok: bool | None = None
    advice: str = ""
    seconds: float = 0.0

    @property
    def columns(self) -> dict:
        """For JSON."""
        return asdict(self)


def at_most(part: str, what: str, value: float, limit: float, unit: str, advice: str) -> Row:
    """A difference and its tolerance; NaN is above every tolerance."""
    ok = value <= limit
    wanted = f"at most {limit:.3g} {unit}".rstrip()
    return Row(part, what, f"{value:.3g} {unit}".rstrip(), wanted, ok, "" if ok else advice)


def rows_of(part: str, look: Callable[[], Iterator[Row]], advice: str) -> Iterator[Row]:
    """The rows of one part of the check; an exception becomes one, and ends that part alone."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - whatever fails on this box is what is asked for
        lines = str(error).splitlines() or [""]
        found = f"failed: {type(error).__name__}: {lines[0]}"
        yield Row(part, "the part itself", found, "it ends well", False, advice)
