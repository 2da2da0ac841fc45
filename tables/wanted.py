"""The columns that a table must and may have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tables.errors import TableError

#: Number of column names that a sentence lists.
_MOST_LISTED = 10


@dataclass(frozen=True)
class Wanted:
    """Names of columns; any other is not read.

    Attributes:
        needed: groups, of each of which one must exist.
        others: further columns of numbers, read if they exist.
        labels: columns of names, likewise.
        instead: the reason if a column of this name exists and a needed one does not; ``{}``
            is replaced by the name.
    """

    needed: tuple[tuple[str, ...], ...]
    others: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)

    def among(self, names: Sequence[str]) -> list[str]:
        """Names among ``names`` that are to be read, in their order.

        Raises:
            TableError: a needed one is missing, or one occurs twice.
        """
        for group in self.needed:
            if not set(group) & set(names):
                self._refuse(group, names)
        known = {name for group in (*self.needed, self.others, self.labels) for name in group}
        found = [name for name in names if name in known]
        for name in found:
            if found.count(name) > 1:
                raise TableError(f"has {found.count(name)} columns {{}}", name)
        return found

    def _refuse(self, group: tuple[str, ...], names: Sequence[str]) -> None:
        for name, reason in self.instead.items():
            if name in names:
                raise TableError(reason, name)
        choice = " or ".join(f"'{name}'" for name in group)
        shown = names[:_MOST_LISTED]
        more = ", ..." if len(names) > _MOST_LISTED else ""
        listed = ", ".join(["{}"] * len(shown)) + more
        raise TableError(f"has no column {choice}; its columns are {listed}", *shown)
