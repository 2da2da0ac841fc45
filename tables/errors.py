"""Errors about a table, as text that each front end puts into its own sentence."""

from collections.abc import Callable


class TableError(ValueError):
    """A table that cannot be used.

    Attributes:
        reason: what is wrong, as text that follows the name of the file; ``{}`` in place of every
            foreign text.
        foreign: texts from the file, such as names of columns, which the front end quotes.
    """

    def __init__(self, reason: str, *foreign: object) -> None:
        super().__init__(reason.format(*foreign))
        self.reason, self.foreign = reason, tuple(map(str, foreign))

    def words(self, quote: Callable[[str], str]) -> str:
        """The reason, with every foreign text as ``quote`` shows it."""
        return self.reason.format(*map(quote, self.foreign))

    def within(self, part: str) -> "TableError":
        """The same error for one part of a folder."""
        return TableError("has a part {} that " + self.reason, part, *self.foreign)
