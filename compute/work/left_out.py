"""What of a suite is left out: stages that are not wanted, and what a machine has no memory for."""

from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.work.stages.stage import Stage


def without_stages(
    units: list[Stage], names: tuple[str, ...], stages: tuple[type[Stage], ...]
) -> list[Stage]:
    """The units that are left without some stages, and without what needs them.

    Args:
        units: dependencies before dependents.
        names: of the stages to leave out.
        stages: that such models have.

    Raises:
        InputError: there is no such stage, or nothing can be done without it.
    """
    optional = [stage.stage for stage in stages if stage.optional]
    for name in names:
        if name not in optional:
            raise InputError(
                f"There is no stage {name!r} to leave out; choose from {', '.join(optional)}."
            )
    out: set[str] = set()
    for unit in units:
        if unit.stage in names or out & {*unit.needs}:
            out.add(unit.name)
    return [unit for unit in units if unit.name not in out]


def shortages(
    units: list[Stage],
    one_card: Memory,
    all_cards: Memory,
    weight_bytes: int,
    alone: Memory | None = None,
) -> dict[str, str]:
    """Name -> reason of the units that do not fit, and of those that need one of them.

    Args:
        units: dependencies before dependents.
        one_card: memory of one GPU, and beside it.
        all_cards: of all GPUs together, for what can be spread over them.
        weight_bytes: of a weight while losses are measured.
        alone: of a CPU for a unit beside which no other runs, where workers wait for that; None
            where they do not.
    """
    out: dict[str, str] = {}
    for unit in units:
        memory = all_cards if unit.spread else one_card
        if alone is not None and not unit.adapts:
            memory = alone
        needed = next((name for name in unit.needs if name in out), None)
        reason = out[needed] if needed else unit.shortage(memory, weight_bytes)
        if reason is not None:
            out[unit.name] = reason
    return out
