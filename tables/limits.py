"""Limits on the size of a table from an untrusted source."""

from dataclasses import dataclass

from tables.errors import TableError


@dataclass(frozen=True)
class Limits:
    """Limits that are checked before unpacking.

    Attributes:
        unpacked_bytes: of the wanted columns of a Parquet file, or of a compressed file's content.
        rows: of the table; of the values in a column whose cells are lists.
        columns: of the table.
        json_marks: brackets and commas in a JSON file: each is one object in memory.
        advice: how to provide the same in a smaller file, for sentences.
    """

    unpacked_bytes: int
    rows: int
    columns: int
    json_marks: int
    advice: str

    def check_rows(self, rows: int) -> None:
        """Raise TableError if there are too many."""
        if rows > self.rows:
            raise TableError(
                f"has {rows:,} rows, and at most {self.rows:,} are taken: {self.advice}"
            )

    def check_columns(self, columns: int) -> None:
        """Raise TableError if there are too many."""
        if columns > self.columns:
            raise TableError(f"has {columns:,} columns, and at most {self.columns} are read")

    def check_unpacked(self, unpacked: int) -> None:
        """Raise TableError if it is too much."""
        if unpacked > self.unpacked_bytes:
            raise TableError(
                f"would unpack to {unpacked / 2**20:,.0f} MB, and at most "
                f"{self.unpacked_bytes // 2**20} MB are taken: {self.advice}"
            )

    def check_json(self, marks: int) -> None:
        """Raise TableError if there are too many brackets and commas."""
        if marks > self.json_marks:
            raise TableError(
                f"holds {marks:,} values as JSON, and at most {self.json_marks:,} are taken: "
                f"{self.advice}"
            )
