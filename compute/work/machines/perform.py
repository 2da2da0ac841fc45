"""Carry out one unit: run its stage, write its files, record how it went."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import torch

import schema
from compute.base import peak_memory, process_memory
from compute.base.memory import gibibytes
from compute.work.stages.stage import Stage
from compute.work.unit import Unit
from compute.work.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """How a unit ended: ``error`` is None when its files are written."""

    error: str | None
    seconds: float


def perform(unit: Stage, workspace: Workspace, report: Callable[[int], None]) -> Outcome:
    """Run ``unit``; a failure of any kind is recorded in ``units`` and returned, not raised."""
    start = time.monotonic()
    error = None
    try:
        peak_memory.reset_peak(workspace.device)
        check_memory(unit, workspace)
        tables = unit.run(workspace, report)
        for table, rows in tables.items():
            workspace.store.write(table, unit, rows, metadata(unit, workspace))
    except Exception as exception:  # noqa: BLE001 - one unit's failure never costs the others
        error = f"{type(exception).__name__}: {exception}".splitlines()[0]
    if workspace.device.startswith("cuda"):
        with contextlib.suppress(RuntimeError):  # a broken card says so to the next unit
            torch.cuda.empty_cache()  # what the next unit needs may be of other sizes
    outcome = Outcome(error, time.monotonic() - start)
    record(unit, workspace, outcome, peak_memory.peak_bytes(workspace.device))
    process_memory.give_back()  # it is the next unit's, here or in another worker
    return outcome


def check_memory(unit: Stage, workspace: Workspace) -> None:
    """Refuse a unit that takes more memory than is free now: it would fail after long work, and
    others beside it.

    Raises:
        MemoryError: naming both.
    """
    needed, free = unit.host_bytes(workspace.device), process_memory.free_bytes()
    if needed is not None and free is not None and needed > free:
        raise MemoryError(
            f"it needs about {gibibytes(needed)} of memory, and {gibibytes(free)} are free now; "
            "end other programs, or give fewer --workers, and run again with --retry-failed"
        )


def record_skipped(unit: Unit, workspace: Workspace, reason: str) -> None:
    """Record why a unit is not tried.

    Not if an earlier unit of its label has left files, whose record would be lost: a page shows
    that instead.  The unit counts as missing, so that a later run considers it again.
    """
    if not workspace.store.was_tried(unit):
        record(unit, workspace, Outcome(reason, 0.0), status="skipped")


def record(
    unit: Unit,
    workspace: Workspace,
    outcome: Outcome,
    peak_memory_bytes: int = 0,
    status: str | None = None,
) -> None:
    """Write the unit's row of the table ``units``."""
    setting = unit.setting.columns if unit.setting else {}
    columns = [field.name for field in schema.SETTING_FIELDS]
    row = {
        "stage": unit.stage,
        "model_id": unit.model_id,
        **{column: setting.get(column) for column in columns},
        "status": status or ("ok" if outcome.error is None else "failed"),
        "error": outcome.error,
        "seconds": outcome.seconds,
        "peak_memory_bytes": peak_memory_bytes,
        "device": workspace.provenance.device,
        "finished_at": datetime.now(UTC),
    }
    rows = pa.Table.from_pylist([row])
    workspace.store.write("units", unit, rows, metadata(unit, workspace))


def metadata(unit: Unit, workspace: Workspace) -> dict[str, str]:
    """Provenance of the unit's files."""
    seeds = {"corpus": workspace.corpus_seed, **unit.seeds}
    return workspace.provenance.metadata(unit.key, seeds, unit.checkpoint or "")
