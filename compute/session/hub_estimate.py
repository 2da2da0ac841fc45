"""How long the units of published models will take: their arithmetic over a measured speed.

The speeds are those that ``compute check`` has measured on this device; where it has not been run,
a share of a product of matrices that is timed now, and constants seen on other machines.
"""

import time
from collections.abc import Callable

import torch

from compute.base.memory import Memory
from compute.models.curvature.forecast import forecast
from compute.models.placement import arithmetic
from compute.session.estimate import OVERHEAD_SECONDS
from compute.suites.published.hub_model import HubModel
from compute.work.machines.measured import Measured
from compute.work.unit import Unit

#: Share of the speed of a large product of matrices that a whole model reaches, usually.
EFFICIENCY = 0.4

#: Seconds in which a quantizer rounds one column of a matrix and feeds its error back, about.
COLUMN_SECONDS = 3e-4

#: Seconds of one core for every quantized parameter, about: statistics of its layer, both codes,
#: and decoding them again.
PARAMETER_SECONDS = 3e-7

#: Columns of a transformer block's matrices over its width: four matrices read the residual
#: stream or something as wide, one reads the MLP's layer, four times as wide.
_BLOCK_COLUMNS = 7


def matmul_flops(device: str, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a product of two large matrices, measured."""
    size = 8192 if device.startswith("cuda") else 1024
    a = torch.ones(size, size, device=device, dtype=dtype)

    def multiply() -> float:
        start = time.monotonic()
        (a @ a)[0, 0].item()  # waits for the device
        return time.monotonic() - start

    multiply()
    return 2.0 * size**3 / min(multiply() for _ in range(3))


def measure_speeds(device: str, found: Measured | None = None) -> Measured:
    """Speeds of the device: those that a check has ``found``, guesses for the others."""
    found = found or Measured()
    return Measured(
        scoring_flops=found.scoring_flops or EFFICIENCY * matmul_flops(device, arithmetic(device)),
        curvature_flops=found.curvature_flops or EFFICIENCY * matmul_flops(device, torch.float32),
        column_seconds=found.column_seconds or COLUMN_SECONDS,
        parameter_seconds=found.parameter_seconds or PARAMETER_SECONDS,
    )


def unit_seconds(
    models: dict[str, HubModel], memory: Memory, speeds: Measured
) -> Callable[[Unit], float]:
    """Expected seconds of a unit, without its downloads.

    Args:
        models: by id.
        memory: for each worker.
        speeds: from ``measure_speeds``.
    """

    def seconds(unit: Unit) -> float:
        model = models[unit.model_id]
        if unit.stage in ("sample", "chain"):
            return (
                OVERHEAD_SECONDS
                + 2.0 * model.params_total * unit.work_tokens / speeds.scoring_flops
            )
        if unit.stage == "quantize":
            blocks = model.config.num_hidden_layers
            columns = blocks * _BLOCK_COLUMNS * model.config.hidden_size
            runs = 2.0 * model.params_total * unit.work_tokens / speeds.curvature_flops
            rest = speeds.parameter_seconds * model.params_total
            return OVERHEAD_SECONDS + runs + speeds.column_seconds * columns + rest
        if unit.stage == "curvature":
            _, point = unit.model
            found = forecast(model.config, model.context_length, point, memory, model.vocab_size)
            return OVERHEAD_SECONDS + found.flops / speeds.curvature_flops
        return OVERHEAD_SECONDS

    return seconds
