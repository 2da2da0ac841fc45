"""What a unit needs of a machine, and what has to be left out where that is not there."""

from compute.curvature.forecast import forecast
from compute.curvature.memory import Memory, gibibytes
from compute.sampled_evaluation import BATCH_TOKENS
from compute.stages.quantize import BATCH_TOKENS as CALIBRATION_TOKENS
from compute.suites.hub_model import HubModel
from compute.unit import Unit

#: Widths of what flows through a block at once, over the width of the residual stream: its own,
#: queries, keys and values, and the wider layer of the MLP twice.
_FLOWING = 16

_FLOAT32, _FLOAT64 = 4, 8

#: Stages whose models may be spread over several GPUs; the others work on one.
SPREAD = ("sample", "chain")

#: Square matrices of the widest layer that a quantizer and the statistics after it hold at once,
#: in float64.
_SQUARES = 10


def memory_of(unit: Unit, model: HubModel, device: str, weight_bytes: int) -> tuple[int, int]:
    """(bytes on the device, bytes beside it) that a unit of a published model takes, about.

    On a CPU all is on the device.  Curvature is counted elsewhere, operation by operation.

    Args:
        unit: which.
        model: of it.
        device: torch device.
        weight_bytes: of a weight while losses are measured.
    """
    n, width = model.params_total, model.config.hidden_size
    largest = width * max(model.config.vocab_size, 4 * width)  # entries of a matrix, about
    host = _FLOAT32 * n  # every checkpoint is read and hashed in float32
    on_device = 0
    if unit.stage in ("sample", "chain"):
        tokens = BATCH_TOKENS[device.partition(":")[0]]
        on_device = weight_bytes * n + tokens * width * _FLOWING * weight_bytes
        host += 2 * _FLOAT32 * largest  # a tensor as it is decoded, by either code
    if unit.stage == "quantize":
        _, calibration = unit.model
        kept = 2 * calibration.windows * model.context_length * width * _FLOAT32
        squares = _SQUARES * _FLOAT64 * (4 * width) ** 2
        on_device = _FLOAT32 * n + kept + squares
        on_device += CALIBRATION_TOKENS * width * _FLOWING * _FLOAT32
        host = 4 * n + 8 * largest  # codes of 16 bits, and the files of both codes
    if not device.startswith("cuda"):
        return (host if unit.stage in ("fetch", "describe") else max(on_device, host)), 0
    return on_device, host


def shortages(
    units: list[Unit],
    models: dict[str, HubModel],
    one_card: Memory,
    all_cards: Memory,
    weight_bytes: int,
) -> dict[str, str]:
    """Name -> reason of the units that do not fit, and of those that need one of them.

    Args:
        units: dependencies before dependents.
        models: by id.
        one_card: memory of one GPU, and beside it.
        all_cards: of all GPUs together, for what can be spread over them.
        weight_bytes: of a weight while losses are measured.
    """
    out: dict[str, str] = {}
    for unit in units:
        memory = all_cards if unit.stage in SPREAD else one_card
        reason = _shortage(unit, models[unit.model_id], memory, weight_bytes)
        needed = next((name for name in unit.needs if name in out), None)
        if needed is not None:
            reason = out[needed]
        if reason is not None:
            out[unit.name] = reason
    return out


def _shortage(unit: Unit, model: HubModel, memory: Memory, weight_bytes: int) -> str | None:
    if unit.stage == "curvature":
        _, point = unit.model
        found = forecast(model.config, model.context_length, point, memory, model.vocab_size)
        return found.reason
    on_device, beside = memory_of(unit, model, memory.device, weight_bytes)
    for needed, there, where in (
        (on_device, memory.usable_device_bytes, f"on {memory.device}"),
        (beside, memory.usable_host_bytes, "beside the GPU"),
    ):
        if needed > there:
            return f"needs about {gibibytes(needed)} {where}, and {gibibytes(there)} can be used"
    return None
