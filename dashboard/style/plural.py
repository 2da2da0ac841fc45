"""Counts as text: ``1 window``, ``2 windows``."""

from collections.abc import Sequence


def counted(number: int, thing: str, things: str | None = None) -> str:
    """A number with its noun: ``1 size``, ``1,024 windows``.

    Args:
        things: the plural, if it is not ``thing`` with an s.
    """
    return f"{number:,} {agree(number, thing, things or f'{thing}s')}"


def agree(number: int, one: str, many: str) -> str:
    """The word that agrees with the number: ``was`` for 1, ``were`` for others."""
    return one if number == 1 else many


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
