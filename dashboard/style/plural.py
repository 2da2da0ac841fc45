"""Numbers of things in words: ``1 window``, ``2 windows``."""

from collections.abc import Sequence


def counted(number: int, thing: str, things: str | None = None) -> str:
    """A number with the noun in its form: ``1 size``, ``1,024 windows``.

    Args:
        things: the plural, where it is not ``thing`` with an s.
    """
    return f"{number:,} {agree(number, thing, things or f'{thing}s')}"


def agree(number: int, one: str, many: str) -> str:
    """The word that goes with the number: ``was`` of 1, ``were`` of any other."""
    return one if number == 1 else many


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: ``a``, ``a and b``, ``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
