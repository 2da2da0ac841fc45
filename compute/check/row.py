"""One line of the report of a check."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One result of a check.

    Attributes:
        part: of the check.
        what: the checked thing.
        found: value and unit, or a sentence.
        wanted: the correct result; empty for information.
        ok: whether ``found`` is as wanted; None for information.
        advice: what to do if it is not.
        seconds: from the start of the check to this result.
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
    """The rows of one part of the check; an exception becomes a row, and ends only that part."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - the check reports any failure on this machine
        lines = str(error).splitlines() or [""]
        found = f"failed: {type(error).__name__}: {lines[0]}"
        yield Row(part, "the part itself", found, "it ends well", False, advice)
