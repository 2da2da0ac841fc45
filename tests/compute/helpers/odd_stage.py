"""A stage that misbehaves as its unit says; a process has it once it imports this module, as a
worker does when it is handed such a unit."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from compute.work.stages import STAGES
from compute.work.unit import Unit


@dataclass(frozen=True)
class Behaviour:
    """What the stage does; ``deaths`` are the tries, counted from 1, that end by SIGKILL."""

    notes: Path
    deaths: Iterable[int] = ()
    error: str | None = None
    seconds: float = 0.0


def odd_unit(name: str, notes: Path, needs: tuple[Unit, ...] = (), **behaviour) -> Unit:
    """A unit of this stage that writes down each try in the folder ``notes``."""
    return Unit(
        stage="odd",
        model_id=name,
        setting=None,
        identity={"name": name},
        tables=(),
        needs=tuple(unit.name for unit in needs),
        model=Behaviour(notes, **behaviour),
        work_tokens=1000,
    )


def tries(unit: Unit) -> list[int]:
    """Process of each try of a unit so far."""
    note = unit.model.notes / unit.model_id
    return [int(line) for line in note.read_text().split()] if note.exists() else []


def run(unit, workspace, report):
    behaviour = unit.model
    with (behaviour.notes / unit.model_id).open("a") as note:
        note.write(f"{os.getpid()}\n")
    if len(tries(unit)) in behaviour.deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour.error is not None:
        raise ValueError(behaviour.error)
    end = time.monotonic() + behaviour.seconds
    for tokens in range(1, 1001):
        report(tokens)
        time.sleep(max(0.0, (end - time.monotonic()) / (1001 - tokens)))
    return {}


STAGES["odd"] = run
