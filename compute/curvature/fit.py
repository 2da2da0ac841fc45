"""Where the parts of a Lanczos run go, so that it fits: decided before it starts."""

import os
from dataclasses import dataclass

import torch
from transformers import PreTrainedConfig

from compute.curvature.footprint import footprint
from compute.curvature.lanczos import BasisPlace

#: Tokens of one batch, where they fit: more are not faster on one CPU thread.
BATCH_TOKENS = 1024

#: Vectors of n float32 that are live beside the basis: the Lanczos vector, its image, the sum and
#: a batch's part of it, and one for a projection.
WORKING_VECTORS = 5

#: Share of the memory that may be planned for: allocators round up and fragment.
USABLE_SHARE = 0.9

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
        place: of the Lanczos basis.
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
    """Bytes that may be used on a device and, where that is not the CPU, beside it."""

    device: str
    device_bytes: int
    host_bytes: int

    @classmethod
    def of(cls, device: str, workers: int = 1) -> "Memory":
        """What this machine has for each of ``workers`` processes."""
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // workers
        if not device.startswith("cuda"):
            return cls(device, host, 0)
        return cls(device, torch.cuda.get_device_properties(device).total_memory, host)


def fit(
    config: PreTrainedConfig, context: int, windows: int, steps: int, matrix: str, memory: Memory
) -> Fit:
    """The largest batches, and the basis in the first place where it fits.

    The basis goes to the device, or to the host, or into bfloat16, and at last gets fewer steps.

    Args:
        config: of the model.
        context: T, tokens of a window.
        windows: that the mean is over.
        steps: of Lanczos, wanted.
        matrix: one of ``schema.MATRICES``.

    Raises:
        NoRoomError: one window, or a basis of ``MIN_STEPS``, is too large.
    """
    one = footprint(config, (1, context), matrix)
    fixed = one.parameter_bytes + WORKING_VECTORS * FLOAT32_BYTES * one.size
    room = int(USABLE_SHARE * memory.device_bytes) - fixed
    if room < one.batch_bytes:
        raise NoRoomError(
            f"a product of the {matrix} matrix with one window of {context} tokens needs "
            f"{gibibytes(fixed + one.batch_bytes)} and there are {gibibytes(memory.device_bytes)}"
        )
    # What a batch needs grows in proportion, but for the parameters' part that does not.
    most = min(windows, max(1, BATCH_TOKENS // context), room // one.batch_bytes)
    batches = most * one.batch_bytes
    rooms = {memory.device: room - batches, "cpu": int(USABLE_SHARE * memory.host_bytes)}
    if memory.device == "cpu":
        rooms["cpu"] = room - batches
    place, steps = _place_basis(one.size, steps, rooms)
    basis = steps * one.size * place.dtype.itemsize
    beside = place.device != memory.device
    return Fit(
        batch_windows=most,
        place=place,
        steps=steps,
        device_bytes=fixed + batches + (0 if beside else basis),
        host_bytes=basis if beside else 0,
        flops_per_token=one.flops / context,
    )


def _place_basis(size: int, steps: int, rooms: dict[str, int]) -> tuple[BasisPlace, int]:
    """Where the basis goes, and how many vectors it has.

    Args:
        rooms: device -> bytes left there, the first choice first.

    Raises:
        NoRoomError: nowhere is room for ``MIN_STEPS`` vectors.
    """
    for device, room in rooms.items():
        if steps * size * FLOAT32_BYTES <= room:
            return BasisPlace(device), steps
    device, room = max(rooms.items(), key=lambda item: item[1])
    short = BasisPlace(device, torch.bfloat16)
    vector = size * short.dtype.itemsize
    if room < min(steps, MIN_STEPS) * vector:
        raise NoRoomError(
            f"{MIN_STEPS} Lanczos vectors of {size:,} entries need {gibibytes(MIN_STEPS * vector)} "
            f"in bfloat16, and at most {gibibytes(max(room, 0))} are left"
        )
    return short, min(steps, room // vector)


def gibibytes(count: float) -> str:
    """``3.25 GiB``, ``120 MiB``."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
