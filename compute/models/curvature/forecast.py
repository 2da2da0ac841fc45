"""Memory and time of curvature measurements, computed before they start."""

from dataclasses import dataclass

from transformers import PreTrainedConfig

from compute.base.memory import Memory
from compute.models.curvature.fit import Fit, NoRoomError, fit
from compute.models.curvature.footprint import NotFollowedError
from compute.suites.curvature_point import CurvaturePoint


@dataclass(frozen=True)
class Forecast:
    """The needs of one point for one model.

    Attributes:
        point: the planned measurement.
        fit: its execution; None if it does not fit or cannot be followed.
        reason: for None.
        flops: arithmetic of all its products; 0 if it is not carried out.
    """

    point: CurvaturePoint
    fit: Fit | None
    reason: str | None
    flops: float

    @property
    def shortened(self) -> bool:
        """Whether the basis gets fewer steps than requested."""
        return self.fit is not None and self.fit.steps < self.point.steps


def forecast(
    config: PreTrainedConfig,
    context: int,
    point: CurvaturePoint,
    memory: Memory,
    vocab_size: int | None = None,
) -> Forecast:
    """Memory and arithmetic of one point, from the architecture alone.

    Args:
        config: of the model.
        context: tokens of a window.
        point: the planned measurement.
        memory: of the machine.
        vocab_size: V, if the model has more logits than that.
    """
    try:
        found = fit(config, context, point, memory, vocab_size)
    except (NoRoomError, NotFollowedError) as error:
        return Forecast(point, None, str(error), 0.0)
    products = point.probes * found.steps + 2 * point.tests
    return Forecast(point, found, None, products * point.windows * context * found.flops_per_token)
