"""What a unit needs of a machine, and what has to be left out where that is not there."""

import torch

from compute.base.memory import Memory, gibibytes
from compute.models.curvature.forecast import forecast
from compute.models.placement import arithmetic
from compute.models.sampled_evaluation import SCORED_LOGITS, batch_windows
from compute.quantize.quantizers.tensors import ROW_ENTRIES
from compute.suites.published.hub_model import HubModel
from compute.work.stages.quantize import BATCH_TOKENS as CALIBRATION_TOKENS
from compute.work.unit import Unit

#: Bytes of a process before it has a model: the interpreter and its libraries.
PROCESS_BYTES = 768 << 20

#: Widths of what flows through a block at once: of the residual stream (its own, norms, queries,
#: keys, values, outputs) and of the MLP's layer (before and after it is gated).
_STREAM, _MLP = 8, 4

_FLOAT32, _FLOAT64 = 4, 8

#: Stages whose models may be spread over several GPUs; the others work on one.
SPREAD = ("sample", "chain")

#: Square matrices of the widest layer that a quantizer and the statistics after it hold at once,
#: in float64.
_SQUARES = 12

#: Bytes for each entry of the largest matrix: its codes as they are put together, its values before
#: and after, and signed codes as they are sorted into classes.
_LARGEST = 12

#: Bytes for each entry of the rows that are worked on at once, in float64 with what they become.
_CHUNK = 96

#: The same where codes are only decoded.
_DECODED = 24

#: Bytes for each weight in a code that is not on a grid of so many bits.
_STEP_BYTES = 2

#: How many times the files of a coded model are there while they are put together.
_FILES = 4


def host_bytes(unit: Unit, device: str) -> int | None:
    """Memory of the computer that a unit takes, at most about; None where it is not counted."""
    model = unit.model[0] if isinstance(unit.model, tuple) else unit.model
    if unit.stage not in _COUNTED or not isinstance(model, HubModel):
        return None
    on_device, beside = memory_of(unit, model, device, arithmetic(device).itemsize)
    return beside if device.startswith("cuda") else on_device


_COUNTED = ("describe", "quantize", "sample", "chain")


def memory_of(unit: Unit, model: HubModel, device: str, weight_bytes: int) -> tuple[int, int]:
    """(bytes on the device, bytes beside it) that a unit of a published model takes, at most about.

    On a CPU all is on the device.  Curvature is counted elsewhere, operation by operation.

    Args:
        unit: which.
        model: of it.
        device: torch device.
        weight_bytes: of a weight while losses are measured.
    """
    n = model.params_total
    # A checkpoint is read in float32, from files that are in memory while they are read.
    files = 0 if unit.stage == "fetch" else _file_bytes(model)
    host, on_device = (_FLOAT32 + files) * n, 0
    if unit.stage in ("sample", "chain"):
        kind = device.partition(":")[0]
        positions = _positions(unit)
        windows = batch_windows(model.context_length, positions, model.config.vocab_size, kind)
        logits = windows * positions * model.config.vocab_size * (weight_bytes + _FLOAT32)
        flowing = windows * model.context_length * _flowing(model)
        on_device = weight_bytes * (n + flowing) + logits
        on_device += 4 * _FLOAT64 * max(SCORED_LOGITS[kind], model.config.vocab_size)
        decoded = (_FLOAT32 + _STEP_BYTES) * n + _LARGEST * _largest(model)
        host = max(host, decoded + _DECODED * ROW_ENTRIES)
    if unit.stage == "quantize":
        on_device, beside = _of_quantizing(unit, model)
        host = max(host, _FLOAT32 * n + beside)
        on_device += _FLOAT32 * n
    if device.startswith("cuda"):
        return on_device, host + PROCESS_BYTES
    if unit.stage == "quantize":  # at one time layers are worked on, at another files are written
        return max(host, on_device + _code_bytes(unit) * n) + PROCESS_BYTES, 0
    if unit.stage in ("sample", "chain"):
        files = _STEP_BYTES * n
        return max(host, on_device + files) + PROCESS_BYTES, 0
    return host + PROCESS_BYTES, 0


def _of_quantizing(unit: Unit, model: HubModel) -> tuple[int, int]:
    """(bytes where layers are quantized, bytes where codes and files are), without weights."""
    _, calibration = unit.model
    n, width = model.params_total, model.config.hidden_size
    kept = 2 * calibration.windows * model.context_length * width * _FLOAT32
    tokens = max(CALIBRATION_TOKENS, model.context_length)
    layers = kept + tokens * _flowing(model) * _FLOAT32 + _chunk(model)
    layers += _SQUARES * _FLOAT64 * _widest(model) ** 2 + _LARGEST * _largest(model)
    bits = unit.setting.bits or 8 * _STEP_BYTES
    files = _FILES * n * bits // 8 + _LARGEST * _largest(model) + _chunk(model)
    return layers, _code_bytes(unit) * n + files


def _code_bytes(unit: Unit) -> int:
    """Of a weight's code in memory, or of the weight where it is only cast."""
    return 1 if unit.setting.bits is not None and unit.setting.bits <= 8 else _STEP_BYTES


def _file_bytes(model: HubModel) -> int:
    """Of a weight in the files of the checkpoint, which usually hold half precision."""
    dtype = getattr(model.config, "dtype", None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else _STEP_BYTES


def _positions(unit: Unit) -> int:
    """Predictions that are scored in each window."""
    _, how, *_ = unit.model
    return how.positions


def _widest(model: HubModel) -> int:
    """Inputs of the MLP's second layer."""
    found = getattr(model.config, "intermediate_size", None)
    return found if isinstance(found, int) else 4 * model.config.hidden_size


def _flowing(model: HubModel) -> int:
    """Numbers of a token inside of a block."""
    return _STREAM * model.config.hidden_size + _MLP * _widest(model)


def _largest(model: HubModel) -> int:
    """Entries of the largest matrix."""
    return model.config.hidden_size * max(model.config.vocab_size, _widest(model))


def _chunk(model: HubModel) -> int:
    """Bytes of the rows that a quantizer works on at once."""
    return _CHUNK * max(ROW_ENTRIES, _widest(model) * min(_widest(model), model.config.hidden_size))


def shortages(
    units: list[Unit],
    models: dict[str, HubModel],
    one_card: Memory,
    all_cards: Memory,
    weight_bytes: int,
    alone: Memory | None = None,
) -> dict[str, str]:
    """Name -> reason of the units that do not fit, and of those that need one of them.

    Args:
        units: dependencies before dependents.
        models: by id.
        one_card: memory of one GPU, and beside it.
        all_cards: of all GPUs together, for what can be spread over them.
        weight_bytes: of a weight while losses are measured.
        alone: of a CPU for a unit beside which no other runs, where workers wait for that; None
            where they do not.
    """
    out: dict[str, str] = {}
    for unit in units:
        memory = all_cards if unit.stage in SPREAD else one_card
        if alone is not None and unit.stage != "curvature":
            memory = alone
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
