"""The placement of the parts of a Lanczos run in memory, decided before it starts."""

from dataclasses import dataclass

import torch
from transformers import PreTrainedConfig

from compute.base.memory import Memory, gibibytes
from compute.models.curvature.footprint import footprint
from compute.models.curvature.lanczos import BasisPlace
from compute.suites.curvature_point import CurvaturePoint
from compute.suites.hub.parameter_counts import parameter_counts_of

#: Tokens of one batch, if they fit: more are not faster on one CPU thread.
BATCH_TOKENS = 1024

#: Vectors of n float32 that are live besides the basis and the memory in ``footprint``: the signs,
#: the Lanczos vector, its image, the sum over batches, the part of the batch before, and two for a
#: projection.  As many are counted on the device of the basis, if that is another.
WORKING_VECTORS = 7

#: With fewer steps there is no spectrum.
MIN_STEPS = 10

FLOAT32_BYTES = 4


class NoRoomError(ValueError):
    """The memory is too small; the message says for what."""


@dataclass(frozen=True)
class Fit:
    """The execution of a run, and its needs.

    Attributes:
        batch_windows: windows of one batch.
        place: of the Lanczos basis, and of XTrace's vectors after it.
        steps: of Lanczos; fewer than requested if the basis would not fit.
        device_bytes: on the model's device.
        host_bytes: in the computer's memory; on a CPU all is ``device_bytes``.
        flops_per_token: of one product.
    """

    batch_windows: int
    place: BasisPlace
    steps: int
    device_bytes: int
    host_bytes: int
    flops_per_token: float

    @property
    def slug(self) -> str:
        """The part that influences the last digits, for names: results do not mix."""
        return f"b{self.batch_windows}-s{self.steps}-{self.place.dtype_name}"


def fit(
    config: PreTrainedConfig,
    context: int,
    point: CurvaturePoint,
    memory: Memory,
    vocab_size: int | None = None,
) -> Fit:
    """The largest batches, and the basis in the first place where it fits.

    The basis goes to the device, or to the host, or into bfloat16; the last resort is fewer steps.

    Args:
        config: of the model.
        context: T, tokens of a window.
        point: the planned measurement.
        memory: of the machine.
        vocab_size: V, if the model has more logits than that.

    Raises:
        NoRoomError: one window, XTrace's vectors or a basis of ``MIN_STEPS`` are too large.
        NotFollowedError: the needs of a product cannot be computed.
    """
    _check_vectors(config, memory)
    one = footprint(config, (1, context), point.matrix, vocab_size)
    working = WORKING_VECTORS * FLOAT32_BYTES * one.size
    fixed = one.parameter_bytes + working
    room = memory.usable_device_bytes - fixed
    if room < one.batch_bytes:
        raise NoRoomError(
            f"a product of the {point.matrix} matrix with one window of {context} tokens needs "
            f"{gibibytes(fixed + one.batch_bytes)} and there are "
            f"{gibibytes(memory.usable_device_bytes)}"
        )
    # The needs of a batch grow in proportion, except for the parameters' part.
    most = min(point.windows, max(1, BATCH_TOKENS // context), room // one.batch_bytes)
    batches = most * one.batch_bytes
    rooms = {memory.device: room - batches}
    rooms.setdefault("cpu", memory.usable_host_bytes - working)
    tests = point.tests * one.size * FLOAT32_BYTES
    place, steps = _place_basis(one.size, point.steps, tests, rooms)
    basis = max(tests, steps * one.size * place.dtype.itemsize)
    beside = place.device != memory.device
    return Fit(
        batch_windows=most,
        place=place,
        steps=steps,
        device_bytes=fixed + batches + (0 if beside else basis),
        host_bytes=basis + working if beside else 0,
        flops_per_token=one.flops / context,
    )


def _check_vectors(config: PreTrainedConfig, memory: Memory) -> None:
    """Refuse a model if not even the vectors fit, without a dry run of a product.

    Raises:
        NoRoomError: with the sizes.
    """
    size = sum(parameter_counts_of(config))
    needed = (1 + WORKING_VECTORS) * FLOAT32_BYTES * size
    if needed > memory.usable_device_bytes:
        raise NoRoomError(
            f"{size:,} parameters and {WORKING_VECTORS} vectors of as many entries need "
            f"{gibibytes(needed)} and there are {gibibytes(memory.usable_device_bytes)}"
        )


def _place_basis(
    size: int, steps: int, tests: int, rooms: dict[str, int]
) -> tuple[BasisPlace, int]:
    """The place of the basis, and its number of vectors.

    Args:
        tests: bytes that XTrace needs there afterwards.
        rooms: device -> free bytes, the first choice first.

    Raises:
        NoRoomError: no place has room for ``MIN_STEPS`` vectors, or for XTrace.
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
