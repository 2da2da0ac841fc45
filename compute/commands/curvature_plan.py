"""The needs of the curvature of published models on one GPU, before any download."""

from pathlib import Path

from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.base.terminal import console
from compute.commands.console import show_shapes
from compute.models.curvature.forecast import forecast
from compute.suites.curvature_point import CurvaturePoint
from compute.suites.published.hub_suite import load_hub_suite
from schema import MATRICES

#: Tokens of the default measurement.
TOKENS = 8192


def plan_shapes(
    suite: str,
    file: Path | None = None,
    gpu_memory: float = 80.0,
    host_memory: float = 128.0,
    teraflops: float = 20.0,
) -> None:
    """Print memory and time of the default measurement, both matrices, for every model.

    Memory and arithmetic are counted operation by operation; the speed is an assumption.

    Args:
        suite: preset of published models.
        file: with the layout of ``hub.toml``; None for that.
        gpu_memory, host_memory: GB of the GPU and of the computer.
        teraflops: sustained speed in float32.

    Raises:
        InputError: there is no such suite, or a number is not positive.
    """
    for name, value in (
        ("GPU memory", gpu_memory),
        ("host memory", host_memory),
        ("speed", teraflops),
    ):
        if not 0 < value < float("inf"):
            raise InputError(f"The {name} must be a positive number, not {value}.")
    memory = Memory("cuda", int(gpu_memory * 1e9), int(host_memory * 1e9))
    pairs = [(shape, matrix) for shape in load_hub_suite(suite, file).models for matrix in MATRICES]
    forecasts = []
    for shape, matrix in pairs:
        point = CurvaturePoint(matrix, windows=max(1, TOKENS // shape.context_length))
        forecasts.append(
            forecast(shape.config, shape.context_length, point, memory, shape.vocab_size)
        )
    console.print(
        f"{point.probes} random vectors, {point.steps} Lanczos steps, {TOKENS:,} tokens, on one "
        f"GPU of {gpu_memory:g} GB with {host_memory:g} GB of host memory. Times are those of the "
        f"products at an assumed {teraflops:g} Tflop/s sustained in float32, not measured."
    )
    show_shapes([shape for shape, _ in pairs], forecasts, teraflops)
