"""Expected times of the units of published models: their arithmetic over a measured speed.

``compute check`` measures the speeds on this device; without it, a share of the speed of a matrix
product that is timed now, and constants from other machines.
"""

import time
from collections.abc import Callable

import torch

from compute.base.memory import Memory
from compute.models.placement import arithmetic
from compute.session.estimate import OVERHEAD_SECONDS
from compute.work.machines.measured import Measured
from compute.work.stages.stage import Stage

#: Share of the speed of a large product of matrices that a whole model reaches, usually.
EFFICIENCY = 0.4

#: Seconds in which a quantizer rounds one column of a matrix and feeds its error back, about.
COLUMN_SECONDS = 3e-4

#: Seconds of one core for every quantized parameter, about: statistics of its layer, both codes,
#: and decoding them again.
PARAMETER_SECONDS = 3e-7


def matmul_flops(device: str, dtype: torch.dtype) -> float:
    """Floating-point operations per second of a product of two large matrices, measured."""
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


def unit_seconds(memory: Memory, speeds: Measured) -> Callable[[Stage], float]:
    """Expected seconds of a unit, without its downloads.

    Args:
        memory: for each worker.
        speeds: from ``measure_speeds``.
    """

    def seconds(unit: Stage) -> float:
        cost = unit.cost(memory)
        return (
            OVERHEAD_SECONDS
            + cost.scoring_flops / speeds.scoring_flops
            + cost.float32_flops / speeds.curvature_flops
            + cost.columns * speeds.column_seconds
            + cost.parameters * speeds.parameter_seconds
        )

    return seconds
