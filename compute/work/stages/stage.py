"""What every stage says of its units: how they are carried out, and what they take."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from compute.base.memory import Memory, gibibytes
from compute.models.placement import arithmetic
from compute.work.stages.model_memory import placed, reading
from compute.work.unit import Unit
from compute.work.workspace import Workspace

#: Called with the tokens that a unit has been through.
Report = Callable[[int], None]


@dataclass(frozen=True)
class Cost:
    """Work of a unit of a published model.

    Attributes:
        scoring_flops: in the arithmetic that losses are measured in.
        float32_flops: in float32.
        columns: of matrices that a quantizer rounds.
        parameters: that are coded and decoded, with statistics of their layers.
    """

    scoring_flops: float = 0.0
    float32_flops: float = 0.0
    columns: int = 0
    parameters: int = 0


class Stage(Unit):
    """A unit that can be carried out.

    Attributes:
        optional: whether ``--without`` can leave the stage out.
        spread: whether its model may be spread over several GPUs; others work on one.
        adapts: whether it makes do with the memory that there is, which is then not counted.
        light: whether it starts however little memory is free.
        pace: as fast as which work of a ladder's model its tokens go: ``training``,
            ``evaluation`` or ``curvature``.
    """

    optional: ClassVar[bool] = True
    spread: ClassVar[bool] = False
    adapts: ClassVar[bool] = False
    light: ClassVar[bool] = False
    pace: ClassVar[str] = "evaluation"

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Rows by table, for every one of ``tables``; reads what the units it ``needs`` wrote."""
        raise NotImplementedError

    def memory(self, device: str, weight_bytes: int) -> tuple[int, int] | None:
        """(bytes on the device, bytes beside it) that it takes, at most about; on a CPU all is on
        the device.  None where it is not counted, as of models so small that they are trained here.

        Args:
            device: torch device.
            weight_bytes: of a weight while losses are measured.
        """
        if self.adapts or self.model.trained_here:
            return None
        return placed(device, 0, reading(self.model))

    def cost(self, memory: Memory) -> Cost:
        """Work of a unit of a published model, given the memory of a worker: a forward pass for
        every token."""
        tokens = self.work_tokens if self.work_unit == "tokens" else 0
        return Cost(2.0 * self.model.params_total * tokens)

    def host_bytes(self, device: str) -> int | None:
        """Memory of the computer that it takes, at most about; None where it is not counted."""
        needed = None if self.light else self.memory(device, arithmetic(device).itemsize)
        return needed and needed[device.startswith("cuda")]

    def shortage(self, memory: Memory, weight_bytes: int) -> str | None:
        """Why there is no room for it; None where there is."""
        rooms = (
            (memory.usable_device_bytes, f"on {memory.device}"),
            (memory.usable_host_bytes, "beside the GPU"),
        )
        needs = self.memory(memory.device, weight_bytes) or (0, 0)
        for needed, (there, where) in zip(needs, rooms, strict=True):
            if needed > there:
                return (
                    f"needs about {gibibytes(needed)} {where}, and {gibibytes(there)} can be used"
                )
        return None
