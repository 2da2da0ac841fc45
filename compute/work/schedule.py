"""The order of units: dependencies first, then early results, then the heaviest chain of work."""

from collections.abc import Callable

from compute.work.unit import Unit


class Schedule:
    """Units that have not started; each is handed out once, when what it needs is there.

    A unit may start once those of its needs that are among ``units`` have ended well; if one
    of them fails it is never handed out.

    Args:
        units: dependencies before dependents, small models before large ones.
        weight: expected seconds of a unit.
    """

    def __init__(self, units: list[Unit], weight: Callable[[Unit], float]):
        names = {unit.name for unit in units}
        self._waiting = {unit.name: set(unit.needs) & names for unit in units}
        early = _with_needs(units)
        heaviest = sorted(units, key=_chain_weights(units, weight).__getitem__, reverse=True)
        self._queue = [unit for unit in units if unit in early]
        self._queue += [unit for unit in heaviest if unit not in early]

    def take(self, fits: Callable[[Unit], bool] = lambda unit: True) -> Unit | None:
        """The next unit of those that can start and have room.

        Early units come first, in their order; then the one with the heaviest chain of work
        behind it.
        """
        can_start = (unit for unit in self._queue if not self._waiting[unit.name])
        ready = next((unit for unit in can_start if fits(unit)), None)
        if ready is not None:
            self._queue.remove(ready)
        return ready

    def ended_well(self, unit: Unit) -> None:
        """Release the units that waited only for ``unit``."""
        for needs in self._waiting.values():
            needs.discard(unit.name)


def _with_needs(units: list[Unit]) -> set[Unit]:
    """Units for early results, and their needs."""
    early: set[Unit] = set()
    wanted: set[str] = set()
    for unit in reversed(units):
        if unit.early or unit.name in wanted:
            early.add(unit)
            wanted |= {*unit.needs}
    return early


def _chain_weights(units: list[Unit], weight: Callable[[Unit], float]) -> dict[Unit, float]:
    """Weight of each unit plus its heaviest chain of dependents."""
    chains: dict[Unit, float] = {}
    for unit in reversed(units):
        dependents = [chains[u] for u in chains if unit.name in u.needs]
        chains[unit] = weight(unit) + max(dependents, default=0.0)
    return chains
