"""A stage that misbehaves as its unit says, and units of whatever stage, which do nothing."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from compute.base.setting import Setting
from compute.work.stages.stage import Stage
from compute.work.unit import Unit


@dataclass(frozen=True)
class NamedModel:
    """A model that is nothing but a name."""

    model_id: str
    trained_here: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class IdleUnit(Stage):
    """A unit of any stage, for what looks at units from outside."""

    stage: str
    version = 1
    needs: tuple[str, ...] = ()
    early: bool = False


def idle_unit(stage: str, model_id: str = "m", setting: Setting | None = None, **more) -> IdleUnit:
    return IdleUnit(stage=stage, model=NamedModel(model_id), setting=setting, **more)


@dataclass(frozen=True, eq=False, kw_only=True)
class Odd(Stage):
    """Writes down each try in the folder ``notes``.

    Attributes:
        needs: names of units.
        deaths: the tries, counted from 1, that end by SIGKILL.
        error: with which other tries end, or None.
        seconds: that a try takes.
        until: a file for which a try waits, or None.
    """

    stage = "odd"
    version = 1
    work_tokens = 1000

    notes: Path
    needs: tuple[str, ...] = ()
    deaths: Iterable[int] = ()
    error: str | None = None
    seconds: float = 0.0
    until: Path | None = None

    @property
    def identity(self):
        return {**super().identity, "name": self.model_id}

    def run(self, workspace, report):
        with (self.notes / self.model_id).open("a") as note:
            note.write(f"{os.getpid()}\n")
        if len(tries(self)) in self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.error is not None:
            raise ValueError(self.error)
        while self.until is not None and not self.until.exists():
            time.sleep(0.02)
        end = time.monotonic() + self.seconds
        for tokens in range(1, 1001):
            report(tokens)
            time.sleep(max(0.0, (end - time.monotonic()) / (1001 - tokens)))
        return {}


def odd_unit(name: str, notes: Path, needs: tuple[Unit, ...] = (), **behaviour) -> Odd:
    names = tuple(unit.name for unit in needs)
    return Odd(model=NamedModel(name), notes=notes, needs=names, **behaviour)


def tries(unit: Odd) -> list[int]:
    """Process of each try of a unit so far."""
    note = unit.notes / unit.model_id
    return [int(line) for line in note.read_text().split()] if note.exists() else []
