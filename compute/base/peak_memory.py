"""The most memory that was taken where a computation runs: on a GPU, or by this process."""

import torch

from compute.base import process_memory


def reset_peak(device: str) -> bool:
    """Restart the measurement of ``peak_bytes``; whether the system can."""
    if not device.startswith("cuda"):
        return process_memory.reset_peak()
    torch.cuda.init()  # by name a card is not, and its statistics are there only then
    torch.cuda.reset_peak_memory_stats(device)
    return True


def peak_bytes(device: str) -> int:
    """Most that was allocated on a GPU, or was resident in this process, since ``reset_peak``."""
    if not device.startswith("cuda"):
        return process_memory.peak_bytes()
    return torch.cuda.max_memory_allocated(device)
