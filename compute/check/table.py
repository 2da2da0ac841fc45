"""The whole check, from its first part to its table."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from compute.base.terminal import console, duration
from compute.check import agreement, cards, machine, pipeline, speed
from compute.check.row import Row, rows_of
from compute.work.machines.devices import describe_device, prepare_process
from compute.work.machines.measured import Measured
from compute.work.machines.this_machine import ThisMachine

_ADVICE = "report it with this table; the other parts are not affected"

_MARKS = {True: "[green]ok[/green]", False: "[red]no[/red]", None: ""}


def check(device: str | None, cache_dir: Path, as_json: bool = False) -> bool:
    """Check everything, print the results, and store the measured speeds for ``plan``.

    Args:
        device: torch device; None for a GPU if there is one.
        cache_dir: where the speeds are stored.
        as_json: print the rows as JSON and nothing else.

    Returns:
        Whether every comparison is ok.

    Raises:
        InputError: the device cannot be used.
    """
    device = ThisMachine().device(device)
    prepare_process()
    start = time.monotonic()
    found = Measured()
    rows = []
    with _told_apart(as_json):
        for row in _all_rows(device, cache_dir, found):
            row = replace(row, seconds=round(time.monotonic() - start, 1))
            rows.append(row)
            console.print(f"[dim]{duration(row.seconds):>7}[/dim]  {escape(row.what)}")
    kept = found.save(cache_dir, describe_device(device))
    wrong = [row for row in rows if row.ok is False]
    if as_json:
        json.dump({"ok": not wrong, "rows": [row.columns for row in rows]}, sys.stdout, indent=2)
        print()
        return not wrong
    console.print(_table(rows))
    console.print(
        f"{len(wrong)} of {sum(row.ok is not None for row in rows)} comparisons are wrong"
        if wrong
        else "All ok"
    )
    console.print(
        f"{duration(time.monotonic() - start)}; `python -m compute plan` now uses the speeds in "
        f"{kept}."
    )
    return not wrong


@contextmanager
def _told_apart(as_json: bool) -> Iterator[None]:
    """Send progress to standard error if standard output is only for JSON."""
    console.stderr = as_json
    try:
        yield
    finally:
        console.stderr = False


def _all_rows(device: str, cache_dir: Path, found: Measured) -> Iterator[Row]:
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        machine.PART: lambda: machine.rows(device, cache_dir),
        agreement.PART: lambda: agreement.rows(device),
        cards.PART: lambda: cards.rows(device),
        pipeline.PART: lambda: pipeline.rows(device),
        speed.PART: lambda: speed.rows(device, found),
    }
    for part, look in parts.items():
        yield from rows_of(part, look, _ADVICE)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("part", "what", "found", "wanted", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = (row.part, row.what, row.found, row.wanted)
        table.add_row(*map(escape, cells), _MARKS[row.ok])
        if row.advice:
            table.add_row("", "", f"[yellow]{escape(row.advice)}[/yellow]", "", "")
    return table
