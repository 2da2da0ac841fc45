"""A checked plan for a request, for every kind of models."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from compute.base.memory import Memory
from compute.session.place import Place
from compute.session.request import Request
from compute.suites.model import Model
from compute.work.machines.choice import Machines
from compute.work.plan import Plan, make_plan
from compute.work.unit import Unit
from compute.work.workspace import Workspace


@dataclass(frozen=True)
class Offer:
    """A request for less work.

    Attributes:
        request: what could be asked for instead.
        seconds: expected of it.
    """

    request: Request
    seconds: float


@dataclass(frozen=True)
class Session:
    """A valid request, ready to run.

    Attributes:
        workspace: shared by its units.
        workers: processes.
        retry_failed: whether failed units are tried again.
        plan: the remaining units.
        machines: that run them.
        why: a sentence on how the models were chosen, if the request does not name them.
        skipped: name -> reason of units that are not tried.
        skipped_units: these units.
        request: of the session.
    """

    workspace: Workspace
    workers: int
    retry_failed: bool
    plan: Plan
    machines: Machines
    why: str | None = field(default=None, kw_only=True)
    skipped: dict[str, str] = field(default_factory=dict, kw_only=True)
    skipped_units: tuple[Unit, ...] = field(default=(), kw_only=True)
    request: Request = field(kw_only=True)

    @classmethod
    def of(cls, place: Place, workspace: Workspace, units: list[Unit], **own: Any) -> Self:
        """A session with a plan for what is on disk now."""
        again = place.request.retry_failed
        plan = make_plan(units, workspace, again)
        asked = {"request": place.request, **own}
        return cls(workspace, place.workers, again, plan, place.machines, **asked)

    @property
    def models(self) -> tuple[Model, ...]:
        """Smallest first."""
        raise NotImplementedError

    @property
    def about(self) -> list[str]:
        """Notes for the plan, a sentence each."""
        raise NotImplementedError

    def columns(self, seconds: Callable[[Unit], float]) -> dict[str, list[str]]:
        """More columns of the plan's table, one entry per model."""
        raise NotImplementedError

    def unit_seconds(self, units: list[Unit]) -> Callable[[Unit], float]:
        """Expected seconds of a unit, for scheduling and for the estimate."""
        raise NotImplementedError

    def gpus(self, unit: Unit) -> float:
        """GPUs that a unit uses if there are several."""
        return 1.0

    @property
    def memory_of_one(self) -> Memory:
        """Memory for a worker that runs alone."""
        return self.machines.memory(replace(self.workspace, workers=1))

    @property
    def shared_memory(self) -> str:
        """The end of a sentence about units without room, if a single worker would have it."""
        return f"; {self.workers} workers share the memory, and --workers 1 makes room"

    @property
    def preparation_seconds(self) -> float:
        """Expected seconds before the first unit can start."""
        return 0.0

    def smaller(self, seconds: Callable[[Unit], float]) -> Offer | None:
        """A request for less work that takes hours instead of days, if there is one."""
        return None

    def prepared(self) -> Self:
        """The same session with everything that its units share in the cache."""
        return self

    def limited(self) -> Self:
        """Skip units whose needs are not met: they are ``skipped``.

        Finished units stay: they may have been measured on a larger machine.
        """
        out = self.shortages(self.plan.todo)
        out |= self._beyond_hours(self.plan.todo, out)
        if not out:
            return self
        parts = {part: getattr(self.plan, part) for part in ("units", "todo")}
        left = {part: [u for u in units if u.name not in out] for part, units in parts.items()}
        units = tuple(unit for unit in self.plan.units if unit.name in out)
        plan = replace(self.plan, **left)
        return replace(self, plan=plan, skipped=out, skipped_units=units)

    def shortages(self, units: list[Unit]) -> dict[str, str]:
        """Name -> reason of units that the machine has no room for."""
        return {}

    def _beyond_hours(self, units: list[Unit], out: dict[str, str]) -> dict[str, str]:
        """Models that would exceed the time of the run, in their order."""
        hours = self.request.hours
        if hours is None:
            return {}
        seconds = self.unit_seconds(units)
        spent, found = 0.0, {}
        for model in self.models:
            mine = [u for u in units if u.model_id == model.model_id and u.name not in out]
            cost = sum(map(seconds, mine)) / self.workers
            if spent + cost > 3600 * hours:
                reason = f"the run would take longer than {hours:g} hours"
                found |= dict.fromkeys([u.name for u in mine], reason)
            else:
                spent += cost
        return found

    def planned_again(self) -> Self:
        """The same session with a plan for what is on disk now."""
        plan = make_plan(self.plan.units, self.workspace, self.retry_failed)
        return replace(self, plan=plan)
