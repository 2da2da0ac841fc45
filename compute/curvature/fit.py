"""Where the parts of a Lanczos run go, so that it fits: decided before it starts."""

import os
from dataclasses import dataclass

import torch
from transformers import PreTrainedConfig

from compute.curvature.footprint import footprint
from compute.curvature.lanczos import BasisPlace
from compute.curvature.point import CurvaturePoint

#: Tokens of one batch, where they fit: more are not faster on one CPU thread.
BATCH_TOKENS = 1024

#: Vectors of n float32 that are live beside the basis: the Lanczos vector, its image, the sum and
#: a batch's part of it, and one for a projection.
WORKING_VECTORS = 5

#: Vectors of n float32 that XTrace holds for each of its test vectors: the vector itself, its
#: image, and a column each of Q and of A Q.
XTRACE_VECTORS = 4

#: Share of the memory that may be planned for.  A GPU's allocator rounds up and fragments; glibc,
#: told to keep what is freed, holds up to 1.6 times what is live at once (seen on a model of a
#: million parameters).
USABLE_SHARE, USABLE_SHARE_CPU = 0.9, 0.6

#: Fewer steps than this are no spectrum.
MIN_STEPS = 10

FLOAT32_BYTES = 4


class NoRoomError(ValueError):
    """The memory is too small; the message says for what."""


@dataclass(frozen=True)
class Fit:
    """How a run is carried out, and what it takes.

    Attributes:
        batch_windows: windows of one batch.
        place: of the Lanczos basis, and of XTrace's vectors after it.
        steps: of Lanczos; fewer than asked for where the basis would not fit.
        device_bytes: on the device that the model is on.
        host_bytes: beside it, in the computer's memory; on a CPU all is ``device_bytes``.
        flops_per_token: of one product.
    """

    batch_windows: int
    place: BasisPlace
    steps: int
    device_bytes: int
    host_bytes: int
    flops_per_token: float


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
    def of(cls, device: str, workers: int = 1) -> "Memory":
        """What this machine has for each of ``workers`` processes."""
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // workers
        if not device.startswith("cuda"):
            return cls("cpu", host, 0)
        return cls(device, torch.cuda.get_device_properties(device).total_memory, host)


def fit(config: PreTrainedConfig, context: int, point: CurvaturePoint, memory: Memory) -> Fit:
    """The largest batches, and the basis in the first place where it fits.

    The basis goes to the device, or to the host, or into bfloat16, and at last gets fewer steps.

    Args:
        config: of the model.
        context: T, tokens of a window.
        point: what is to be measured.
        memory: where.

    Raises:
        NoRoomError: one window, XTrace's vectors or a basis of ``MIN_STEPS`` are too large.
    """
    one = footprint(config, (1, context), point.matrix)
    fixed = one.parameter_bytes + WORKING_VECTORS * FLOAT32_BYTES * one.size
    room = memory.usable_device_bytes - fixed
    if room < one.batch_bytes:
        raise NoRoomError(
            f"a product of the {point.matrix} matrix with one window of {context} tokens needs "
            f"{gibibytes(fixed + one.batch_bytes)} and there are "
            f"{gibibytes(memory.usable_device_bytes)}"
        )
    # What a batch needs grows in proportion, but for the parameters' part that does not.
    most = min(point.windows, max(1, BATCH_TOKENS // context), room // one.batch_bytes)
    batches = most * one.batch_bytes
    rooms = {memory.device: room - batches}
    rooms.setdefault("cpu", memory.usable_host_bytes)
    tests = XTRACE_VECTORS * point.tests * one.size * FLOAT32_BYTES
    place, steps = _place_basis(one.size, point.steps, tests, rooms)
    basis = max(tests, steps * one.size * place.dtype.itemsize)
    beside = place.device != memory.device
    return Fit(
        batch_windows=most,
        place=place,
        steps=steps,
        device_bytes=fixed + batches + (0 if beside else basis),
        host_bytes=basis if beside else 0,
        flops_per_token=one.flops / context,
    )


def _place_basis(
    size: int, steps: int, tests: int, rooms: dict[str, int]
) -> tuple[BasisPlace, int]:
    """Where the basis goes, and how many vectors it has.

    Args:
        tests: bytes that XTrace needs there, afterwards.
        rooms: device -> bytes left there, the first choice first.

    Raises:
        NoRoomError: nowhere is room for ``MIN_STEPS`` vectors, or for XTrace.
    """
    for device, room in rooms.items():
        if max(tests, steps * size * FLOAT32_BYTES) <= room:
            return BasisPlace(device), steps
    device, room = max(rooms.items(), key=lambda item: item[1])
    short = BasisPlace(device, torch.bfloat16)
    vector = size * short.dtype.itemsize
    least = max(tests, min(steps, MIN_STEPS) * vector)
    if room < least:
        raise NoRoomError(
            f"vectors of {size:,} entries, of a Lanczos basis in bfloat16 or for XTrace, need at "
            f"least {gibibytes(least)}, and at most {gibibytes(max(room, 0))} are left"
        )
    return short, min(steps, room // vector)


def gibibytes(count: float) -> str:
    """``3.25 GiB``, ``120 MiB``."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
