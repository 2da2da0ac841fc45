"""Progress on the terminal: bars, or lines in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn

from compute.base.terminal import console, duration


@contextmanager
def one_bar(label: str) -> Iterator[Callable[[float], None]]:
    """A function to report the finished share of one piece of work.

    If the output is not a terminal there is a line before the work, and one after it.
    """
    start = time.monotonic()
    if not console.is_terminal:
        console.print(f"{label} ...")
    with bars_of_work() as bars:
        task = bars.add_task(label, total=1.0, rate="", left="")

        def report(share: float) -> None:
            spent = time.monotonic() - start
            left = f"{duration(spent * (1 - share) / share)} left" if share else ""
            bars.update(task, completed=share, left=left)

        yield report
    console.print(f"[green]ok[/green] {label}: {duration(time.monotonic() - start)}")


def bars_of_work() -> Progress:
    """Bars with a label, a share, a rate and the time left; none if the output is not a terminal.

    A task has the fields ``rate`` and ``left``.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]:>15}"),
        TextColumn("{task.fields[left]}"),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)
