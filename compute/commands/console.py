"""The terminal output of a run: the plan, the progress, the summary."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

import schema
from compute.base.bars import bars_of_work
from compute.base.memory import gibibytes
from compute.base.terminal import console, duration
from compute.commands.time_left import TimeLeft
from compute.models.curvature.forecast import Forecast
from compute.quantize.quantizers.damping import USUAL_DAMPING
from compute.session.session import Offer, Session
from compute.suites.published.hub_model import HubModel
from compute.work.machines.executor import Event, Finished, Progressed, Started
from compute.work.same_weights import same_weights
from compute.work.store import row_count
from compute.work.unit import Unit


def show_plan(
    session: Session,
    seconds: Callable[[Unit], float],
    wall: float,
    offer: Offer | None = None,
) -> None:
    """Models, remaining work, expected time, and units that will not be tried.

    Args:
        seconds: expected of a unit.
        wall: expected of the run.
        offer: of less work, if this is long.
    """
    plan, workspace = session.plan, session.workspace
    if session.why:
        console.print(session.why)
    console.print(
        f"[bold]Suite {workspace.store.suite}[/bold] on {workspace.corpus}; "
        f"{session.workers} worker(s) on {workspace.provenance.device}"
    )
    for line in session.about:
        console.print(f"{escape(line)}.")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    more = session.columns(seconds)
    for column in ("parameters N", "tokens D", *more, "units left"):
        table.add_column(column, justify="right")
    left = Counter(unit.model_id for unit in plan.todo)
    total = Counter(unit.model_id for unit in plan.units)
    for row, model in enumerate(session.models):
        table.add_row(
            model.model_id,
            f"{model.params_total:,}",
            f"{model.train_tokens:,}",
            *(cells[row] for cells in more.values()),
            f"{left[model.model_id]} of {total[model.model_id]}",
        )
    console.print(table)
    for name, error in plan.failed.items():
        console.print(f"[red]failed before[/red] {name}: {escape(error)}")
    if plan.failed:
        console.print("Failed units are not retried; try them again with RETRY_FAILED=1.")
    show_skipped(session)
    tokens = sum(unit.work_tokens for unit in plan.todo if unit.work_unit == "tokens")
    if plan.todo:
        console.print(f"To do: {len(plan.todo)} units, {tokens:,} tokens, about {duration(wall)}.")
        show_offer(offer)
    elif session.skipped:
        console.print(
            f"Nothing is left to do; units left out for the reasons above: {len(session.skipped)}."
        )
    elif not plan.failed:
        console.print("Everything is finished; nothing to do.")


def show_offer(offer: Offer | None) -> None:
    """A command line for a smaller effort, to be copied."""
    if offer is not None:
        console.print(f"With less effort, about {duration(offer.seconds)} on this machine:")
        console.print(f"  {offer.request.command('run')}", markup=False)


def show_skipped(session: Session) -> None:
    """One line per reason for units that will not be tried, with the first of them."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name, reason in session.skipped.items():
        by_reason[reason].append(name)
    for reason, names in by_reason.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        console.print(f"[yellow]skipped[/yellow] {names[0]}{more}: {escape(reason)}")


def show_curvature_memory(forecasts: dict[str, Forecast]) -> None:
    """One line per model: the needs of its largest curvature measurement, or why it does not
    fit."""
    for name, found in forecasts.items():
        if found.fit is None:
            console.print(f"[red]no room[/red] {name}: {escape(found.reason)}")
            continue
        fit = found.fit
        beside = f" and {gibibytes(fit.host_bytes)} of host memory" if fit.host_bytes else ""
        shortened = f" (fewer than the {found.point.steps} asked for)" if found.shortened else ""
        console.print(
            f"curvature of {name}: {gibibytes(fit.device_bytes)}{beside}, batches of "
            f"{fit.batch_windows} windows, {fit.steps} Lanczos vectors{shortened} on {fit.place}"
        )


def show_shapes(shapes: list[HubModel], forecasts: list[Forecast], teraflops: float) -> None:
    """Memory and time of the default measurement for models that need not be here."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    for column in ("parameters N", "matrix", "on the device", "beside it", "steps", "basis"):
        table.add_column(column, justify="right")
    table.add_column("time", justify="right")
    for shape, found in zip(shapes, forecasts, strict=True):
        name, size = shape.model_id, f"{shape.params_total:,}"
        if found.fit is None:
            table.add_row(name, size, found.point.matrix, "[red]does not fit[/red]")
            continue
        fit = found.fit
        table.add_row(
            name,
            size,
            found.point.matrix,
            gibibytes(fit.device_bytes),
            gibibytes(fit.host_bytes) if fit.host_bytes else "",
            f"{fit.steps}{' (shortened)' if found.shortened else ''}",
            str(fit.place),
            duration(found.flops / (teraflops * 1e12)),
        )
    console.print(table)
    for shape, found in zip(shapes, forecasts, strict=True):
        if found.reason is not None:
            console.print(f"[red]no room[/red] {shape.model_id}: {escape(found.reason)}")


@contextmanager
def progress_of(
    units: list[Unit], seconds: Callable[[Unit], float], workers: int
) -> Iterator[Callable[[Event], None]]:
    """A function that receives every event: a bar per running unit, and one for the whole run.

    If the output is not a terminal there are no bars, but one line per finished unit.
    """
    with bars_of_work() as bars:
        view = _View(bars, units, seconds, workers)
        yield view.update


class _View:
    """Bars and lines of one run; progress of the whole is in expected seconds of work."""

    def __init__(
        self, bars: Progress, units: list[Unit], seconds: Callable[[Unit], float], workers: int
    ):
        self.bars, self.seconds, self.count = bars, seconds, len(units)
        self.finished, self.done_seconds = 0, 0.0
        self.time_left = TimeLeft(units, seconds, workers)
        self.running: dict[str, tuple[TaskID, float]] = {}
        total = sum(map(seconds, units))
        self.whole = bars.add_task("[bold]whole run", total=total, rate="", left="")

    def update(self, event: Event) -> None:
        unit, name = event.unit, event.unit.name
        if isinstance(event, Started):
            task = self.bars.add_task(name, total=max(unit.work_tokens, 1), rate="", left="")
            self.running[name] = (task, 0.0)
        elif isinstance(event, Progressed):
            task, _ = self.running[name]
            share = event.tokens / unit.work_tokens
            self.time_left.progressed(unit, share)
            self.running[name] = (task, share * self.seconds(unit))
            speed = next(t.speed for t in self.bars.tasks if t.id == task)
            rate = f"{speed:,.0f} {unit.work_unit}/s" if speed else ""
            left = f"{duration(self.time_left.of_unit(unit))} left"
            self.bars.update(task, completed=event.tokens, rate=rate, left=left)
        else:
            task, _ = self.running.pop(name)
            self.bars.remove_task(task)
            self.finished += 1
            self.done_seconds += self.seconds(unit)
            self.time_left.ended(unit, None if event.error else event.seconds)
            self._print_line(event)
        left = f"{duration(self.time_left())} left"
        self.bars.update(self.whole, completed=self._work_done(), left=left)

    def _work_done(self) -> float:
        return self.done_seconds + sum(seconds for _, seconds in self.running.values())

    def _print_line(self, event: Finished) -> None:
        unit = event.unit
        if event.error is not None:
            console.print(f"[red]failed[/red] {unit.name}: {escape(event.error)}")
            return
        rate = ""
        if unit.work_tokens:
            rate = f"{unit.work_tokens / event.seconds:,.0f} {unit.work_unit}/s"
        console.print(
            f"[green]ok[/green] {unit.name:<32} {duration(event.seconds):>7}  {rate:>17}   "
            f"{self.finished} of {self.count}, {duration(self.time_left())} left"
        )


def show_summary(session: Session, not_run: list[str], failed: dict[str, str]) -> None:
    """Files and rows per table now on disk, and missing units."""
    store = session.workspace.store
    table = Table(title=f"{store.folder}", title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    for column in ("files", "rows", "kB"):
        table.add_column(column, justify="right")
    for name in schema.MEASURED_TABLES:
        files = sorted(store.folder.glob(f"{name}/*.parquet"))
        rows = sum(row_count(file) or 0 for file in files)
        size = sum(file.stat().st_size for file in files)
        table.add_row(name, f"{len(files)}", f"{rows:,}", f"{size / 1000:,.0f}")
    console.print(table)
    for label, layer, damping in _heavily_damped(session):
        console.print(
            f"[yellow]damped[/yellow] {label}: the Hessian of {layer} had no Cholesky factor until "
            f"{damping:g} times its mean diagonal was added"
        )
    for names in same_weights(store):
        console.print(f"[yellow]same weights[/yellow] {', '.join(names)} are the same bytes")
    show_skipped(session)
    for name, error in failed.items():
        console.print(f"[red]failed[/red] {name}: {escape(error)}")
    for name in not_run:
        console.print(f"[yellow]not run[/yellow] {name}: it needs a unit that failed")


def _heavily_damped(session: Session) -> Iterator[tuple[str, str, float]]:
    """(unit, layer, damping) of every layer for which the usual damping was not enough."""
    store = session.workspace.store
    for unit in session.plan.units:
        if "layers" in unit.tables and store.state(unit)[0] == "done":
            columns = store.read("layers", unit).select(["layer", "damping"]).to_pylist()
            for row in columns:
                if row["damping"] is not None and row["damping"] > USUAL_DAMPING:
                    yield unit.label, row["layer"], row["damping"]


def show_status(session: Session) -> None:
    """One line per unit that is not done, and a count of those that are."""
    plan = session.plan
    for unit in plan.todo:
        console.print(f"[yellow]missing[/yellow] {unit.name}")
    for name, error in plan.failed.items():
        console.print(f"[red]failed[/red]  {name}: {escape(error)}")
    store = session.workspace.store
    what = f"{store.folder} (a published copy)" if store.is_published else f"{store.folder}"
    console.print(
        f"{what}: {len(plan.done)} of {len(plan.units)} units done, "
        f"{len(plan.failed)} failed, {len(plan.todo)} missing."
    )
