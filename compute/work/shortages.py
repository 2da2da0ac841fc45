"""What has to be left out where a machine has too little memory for it."""

from compute.base.memory import Memory
from compute.work.stages.stage import Stage


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
