"""Remaining time of a run, from the times of its finished units."""

from collections import defaultdict
from collections.abc import Callable

from compute.session.estimate import wall_seconds
from compute.work.unit import Unit


class TimeLeft:
    """Expected seconds to the end of a run.

    A cost model compares units of one kind; finished units of the kind calibrate it on this
    machine.  A kind without a finished unit keeps its planned time.

    Args:
        units: of the run, dependencies before dependents.
        planned: seconds of a unit by the cost model.
        workers: processes that share the work.
    """

    def __init__(self, units: list[Unit], planned: Callable[[Unit], float], workers: int):
        self._left = {unit.name: unit for unit in units}
        self._planned, self._workers = planned, workers
        self._shares: dict[str, float] = {}
        self._took: dict[tuple, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def progressed(self, unit: Unit, share: float) -> None:
        """Record that a running unit has done this share of its work."""
        self._shares[unit.name] = min(max(share, 0.0), 1.0)

    def ended(self, unit: Unit, seconds: float | None) -> None:
        """Record the end of a unit and its ``seconds``, or None if it failed."""
        self._left.pop(unit.name, None)
        if seconds is not None:
            for kind in _kinds(unit):
                self._took[kind][0] += seconds
                self._took[kind][1] += self._planned(unit)

    def of_unit(self, unit: Unit) -> float:
        """Remaining seconds of one unit."""
        whole = self._planned(unit)
        for kind in _kinds(unit):
            took, planned = self._took.get(kind, (0.0, 0.0))
            if planned > 0:
                whole *= took / planned
                break
        return whole * (1 - self._shares.get(unit.name, 0.0))

    def __call__(self) -> float:
        """Seconds to the end of the run."""
        return wall_seconds([*self._left.values()], self.of_unit, self._workers)


def _kinds(unit: Unit) -> tuple[tuple, ...]:
    """Kinds that units are compared by, the closest first: stage and quantizer, then the stage."""
    quantizer = unit.setting.quantizer if unit.setting else None
    return (unit.stage, quantizer), (unit.stage,)
