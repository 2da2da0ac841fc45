"""How much memory there is, and how much of it may be planned for."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

#: Share of the memory that may be planned for.  A GPU's allocator rounds up and fragments; glibc,
#: told to keep what is freed, holds up to 1.6 times what is live at once (seen on a model of a
#: million parameters).
USABLE_SHARE, USABLE_SHARE_CPU = 0.9, 0.6

#: Where Linux says how much a container may use, in the two versions of control groups.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Memory:
    """Bytes that there are on a device and, where that is not the CPU, beside it."""

    device: str
    device_bytes: int
    host_bytes: int

    @property
    def usable_device_bytes(self) -> int:
        """Those that may be planned for."""
        share = USABLE_SHARE_CPU if self.device == "cpu" else USABLE_SHARE
        return int(share * self.device_bytes)

    @property
    def usable_host_bytes(self) -> int:
        """Those beside the device that may be planned for."""
        return int(USABLE_SHARE_CPU * self.host_bytes)

    @classmethod
    def of(
        cls,
        device: str,
        workers: int = 1,
        device_workers: int | None = None,
        all_cards: bool = False,
    ) -> "Memory":
        """What this machine has for each of ``workers`` processes.

        Args:
            device_workers: those that share the device; None if all of them do.
            all_cards: of every GPU together, for a model that is spread over them.
        """
        host = _host_bytes() // workers
        if not device.startswith("cuda"):
            return cls("cpu", host, 0)
        cards = range(torch.cuda.device_count()) if all_cards else [device]
        whole = sum(torch.cuda.get_device_properties(card).total_memory for card in cards)
        return cls(device, whole // (device_workers or workers), host)


def _host_bytes() -> int:
    """Of the computer, or of the container if that may use less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in map(Path, _LIMITS):
        try:
            found.append(int(file.read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(found)


def gibibytes(count: float) -> str:
    """``3.25 GiB``, ``120 MiB``."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
