"""Memory of the machine, and the share that a plan may use."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

#: Share of the memory that a plan may use.  A GPU's allocator rounds up and fragments; glibc, set
#: to keep freed memory, uses up to 1.6 times the live memory (seen on a model of a million
#: parameters).
USABLE_SHARE, USABLE_SHARE_CPU = 0.9, 0.6

#: Files of Linux with the limit of a container, in the two versions of control groups.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Memory:
    """Bytes of a device and, if that is not the CPU, of the computer."""

    device: str
    device_bytes: int
    host_bytes: int

    @property
    def usable_device_bytes(self) -> int:
        """Bytes of the device that a plan may use."""
        share = USABLE_SHARE_CPU if self.device == "cpu" else USABLE_SHARE
        return int(share * self.device_bytes)

    @property
    def usable_host_bytes(self) -> int:
        """Bytes of the computer that a plan may use."""
        return int(USABLE_SHARE_CPU * self.host_bytes)

    @classmethod
    def of(
        cls,
        device: str,
        workers: int = 1,
        device_workers: int | None = None,
        all_cards: bool = False,
    ) -> "Memory":
        """The memory of this machine for each of ``workers`` processes.

        Args:
            device_workers: processes that share the device; None if all of them do.
            all_cards: of every GPU together, for a model that is spread over them.
        """
        host = _host_bytes() // workers
        if not device.startswith("cuda"):
            return cls("cpu", host, 0)
        cards = range(torch.cuda.device_count()) if all_cards else [device]
        whole = sum(torch.cuda.get_device_properties(card).total_memory for card in cards)
        return cls(device, whole // (device_workers or workers), host)


def _host_bytes() -> int:
    """Bytes of the computer, or of the container if its limit is smaller."""
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
