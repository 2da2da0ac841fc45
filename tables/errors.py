"""What is wrong with a table, in words that either front end can put into its own sentence."""

from collections.abc import Callable


class TableError(ValueError):
    """A table that cannot be used.

    Attributes:
        reason: what is wrong, in words that follow the name of the file; ``{}`` in place of every
            foreign text.
        foreign: texts out of the file, such as names of columns, which whoever shows them quotes.
    """

    def __init__(self, reason: str, *foreign: object) -> None:
        super().__init__(reason.format(*foreign))
        self.reason, self.foreign = reason, tuple(map(str, foreign))

    def words(self, quote: Callable[[str], str]) -> str:
        """What is wrong, every foreign text as ``quote`` shows it."""
        return self.reason.format(*map(quote, self.foreign))

    def within(self, part: str) -> "TableError":
        """The same error of one part of a folder."""
        return TableError("has a part {} that " + self.reason, part, *self.foreign)
