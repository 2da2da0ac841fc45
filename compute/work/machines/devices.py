"""The device that models run on: whether torch can use it, how it is called, how it computes."""

import os
import platform
from pathlib import Path

import torch

from compute.base.errors import InputError


def prepare_process() -> None:
    """Make results independent of the number of cores: one thread, deterministic kernels.  Beside
    a GPU, where one process has all cores, it may use them.

    One thread in each of several workers is also faster than several threads in one: models
    of this size leave a second thread little to do.  On a GPU an operation that has no
    deterministic kernel warns instead of failing: its last digits are all that is lost.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # Deterministic mode also writes NaN into every new tensor, a kernel for each on a GPU; what
    # reads memory before it is written would be a fault of torch itself.
    torch.utils.deterministic.fill_uninitialized_memory = False


def describe_device(device: str) -> str:
    """The processor or GPU by name, for the provenance."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"cpu, {name}, one thread"


def check_device(device: str) -> None:
    """Refuse a device that torch cannot use in this process.

    Raises:
        InputError: with torch's reason.
    """
    try:
        kind = torch.device(device).type
        if kind not in ("cpu", "cuda"):
            raise InputError(f"The device {device!r} cannot be used; choose cpu or cuda.")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"The device {device!r} cannot be used: {error}".splitlines()[0]) from None
