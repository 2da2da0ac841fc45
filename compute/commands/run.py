"""Run a session: estimate, execute, summarize; safe to interrupt."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from compute.base.terminal import console
from compute.commands.console import progress_of, show_curvature_memory, show_plan, show_summary
from compute.models.curvature.forecast import Forecast
from compute.session import estimate
from compute.session.kept_request import keep_request
from compute.session.session import Session
from compute.work.machines.executor import Finished
from compute.work.machines.perform import record_skipped
from compute.work.plan import units_to_make
from compute.work.stages.curvature import Curvature
from compute.work.store import SuiteStore
from compute.work.unit import Unit
from compute.work.workspace import Workspace

#: Exit statuses: the usual one for failure, and that of a process ended by SIGINT.
FAILED, INTERRUPTED = 1, 130

#: A longer run is shown with a shorter alternative.
LONG_SECONDS = 24 * 3600


def estimate_and_show(session: Session) -> Callable[[Unit], float]:
    """Print the plan with a measured estimate of its time; return expected seconds per unit."""
    todo = session.plan.todo
    seconds = session.unit_seconds(todo)
    wall = estimate.wall_seconds(todo, seconds, session.workers) + session.preparation_seconds
    offer = session.smaller(seconds) if wall > LONG_SECONDS else None
    show_plan(session, seconds, wall, offer)
    show_curvature_memory(_largest_forecasts(session))
    return seconds


def _largest_forecasts(session: Session) -> dict[str, Forecast]:
    """The remaining curvature measurement of each model that needs the most memory."""
    memory = session.machines.memory(session.workspace)
    wanted: dict[str, list[Curvature]] = defaultdict(list)
    for unit in session.plan.todo:
        if isinstance(unit, Curvature):
            wanted[unit.model_id].append(unit)
    found = {}
    for model_id, units in wanted.items():
        most = max(units, key=lambda unit: (unit.point.steps, unit.point.matrix == "hessian"))
        expected = most.forecast(memory)
        shared = expected.fit is None and session.workers > 1
        if shared and most.forecast(session.memory_of_one).fit is not None:
            expected = replace(expected, reason=expected.reason + session.shared_memory)
        found[model_id] = expected
    return found


def run(session: Session) -> int:
    """Run the remaining units and return the exit status: 0 only if every unit is finished."""
    store = session.workspace.store
    with store.locked():
        keep_request(session.request, store.folder)
        session = session.planned_again()  # another run may have ended since
        plan = session.plan
        failed = dict(plan.failed)
        seconds = estimate_and_show(session)
        ended: set[str] = set()
        for unit in session.skipped_units:
            record_skipped(unit, session.workspace, session.skipped[unit.name])
        try:
            if plan.todo:
                session = session.prepared()
            for event in _carry_out(plan.todo, session.workspace, session, seconds):
                ended.add(event.unit.name)
                if event.error is not None:
                    failed[event.unit.name] = event.error
        except KeyboardInterrupt:
            store.write_manifest()
            console.print(
                f"Stopped with {len(ended)} of {len(plan.todo)} units finished and kept; run the "
                "same command again to continue."
            )
            return INTERRUPTED
        store.write_manifest()
        not_run = [unit.name for unit in plan.todo if unit.name not in ended] + plan.blocked
        show_summary(session, not_run, failed)
    return FAILED if failed or not_run else 0


def run_only(session: Session, unit: Unit) -> dict[str, str]:
    """Make the cached results of one unit, and first those that it reads.

    The artifacts do not change: rows go to a temporary folder.

    Returns:
        Errors by name of unit.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = SuiteStore(Path(folder), session.workspace.store.suite)
        workspace = replace(session.workspace, store=scratch)
        todo = units_to_make(unit, session.plan.units, workspace)
        workspace = replace(session.prepared().workspace, store=scratch)
        seconds = session.unit_seconds(todo)
        ended = _carry_out(todo, workspace, session, seconds)
        return {event.unit.name: event.error for event in ended if event.error is not None}


def _carry_out(
    todo: list[Unit], workspace: Workspace, session: Session, seconds: Callable[[Unit], float]
) -> Iterator[Finished]:
    """Run units and show their progress; yields each as it ends."""
    events = session.machines.run_units(todo, workspace, session.workers, seconds, session.gpus)
    with progress_of(todo, seconds, session.workers) as show, closing(events):
        for event in events:
            show(event)
            if isinstance(event, Finished):
                yield event
