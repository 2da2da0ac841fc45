"""Units that any model has, whoever trained it."""

from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.curvature_point import CurvaturePoint
from compute.work.stages.curvature import Curvature
from compute.work.stages.quantize import Calibration, Quantize
from compute.work.stages.stage import Stage

#: Of the training windows that quantizers look at.
CALIBRATION_SEED = 11


def without_stages(
    units: list[Stage], names: tuple[str, ...], stages: tuple[type[Stage], ...]
) -> list[Stage]:
    """The units that are left when some stages, and what needs them, are left out.

    Args:
        units: dependencies before dependents.
        names: of the stages to leave out.
        stages: that such models have.

    Raises:
        InputError: there is no such stage.
    """
    optional = [stage.stage for stage in stages if stage.optional]
    for name in names:
        if name not in optional:
            raise InputError(
                f"There is no stage {name!r} to leave out; choose from {', '.join(optional)}."
            )
    out: set[str] = set()
    for unit in units:
        if unit.stage in names or out & {*unit.needs}:
            out.add(unit.name)
    return [unit for unit in units if unit.name not in out]


def quantize_unit(
    before: Stage, setting: Setting, windows: int, text: dict | None = None
) -> Quantize:
    """Quantize the checkpoint that ``before`` makes, looking at so many windows."""
    calibration = Calibration(windows, CALIBRATION_SEED)
    of = {"model": before.model, "before": before, "setting": setting}
    return Quantize(**of, calibration=calibration, text=text)


def curvature_unit(
    point: CurvaturePoint, checkpoint: Stage, units: list[Stage], text: dict | None = None
) -> Curvature:
    """Measure one point of the model that ``checkpoint`` makes; ``units`` quantize it."""
    before = checkpoint
    if point.setting != UNQUANTIZED:
        quantized = (unit for unit in units if isinstance(unit, Quantize))
        before = next(unit for unit in quantized if unit.setting == point.setting)
    of = {"model": checkpoint.model, "before": before, "setting": before.setting}
    return Curvature(**of, point=point, text=text)
