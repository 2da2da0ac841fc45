"""Units that any model has, whoever trained it."""

from typing import Any

from compute.base.digest import digest
from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.curvature_point import CurvaturePoint
from compute.work.stages.curvature import SEEDS as CURVATURE_SEEDS
from compute.work.stages.quantize import Calibration
from compute.work.stages.versions import STAGE_VERSIONS
from compute.work.unit import Unit

#: Of the training windows that quantizers look at.
CALIBRATION_SEED = 11


def without_stages(
    units: list[Unit], stages: tuple[str, ...], optional: tuple[str, ...]
) -> list[Unit]:
    """The units that are left when these stages, and what needs them, are left out.

    Args:
        units: dependencies before dependents.
        stages: to leave out.
        optional: those that can be.

    Raises:
        InputError: there is no such stage.
    """
    for stage in stages:
        if stage not in optional:
            raise InputError(
                f"There is no stage {stage!r} to leave out; choose from {', '.join(optional)}."
            )
    out: set[str] = set()
    for unit in units:
        if unit.stage in stages or out & {*unit.needs}:
            out.add(unit.name)
    return [unit for unit in units if unit.name not in out]


def quantize_unit(
    model: Any, setting: Setting, windows: int, before: Unit, text: dict | None = None
) -> Unit:
    """Quantize the checkpoint that ``before`` makes, looking at so many windows.

    Args:
        text: what determines the windows, where the identity of ``before`` does not.
    """
    seeds = {"calibration": CALIBRATION_SEED}
    if setting.quantizer_seed is not None:
        seeds["quantizer"] = setting.quantizer_seed
    calibration = Calibration(windows, CALIBRATION_SEED)
    inputs = {
        **before.identity,
        "calibration": [calibration.windows, calibration.seed],
        "quantize": STAGE_VERSIONS["quantize"],
        **({"text": text} if text else {}),
    }
    identity = {**inputs, "setting": setting.columns}
    on_grid = setting.quantizer not in ("none", "cast")
    return Unit(
        stage="quantize",
        model_id=model.model_id,
        setting=setting,
        identity=identity,
        tables=("layers",) if on_grid else (),
        needs=(before.name,),
        model=(model, calibration),
        work_tokens=calibration.tokens(model) if on_grid else 0,
        checkpoint=before.checkpoint,
        coded=digest(identity),
        moments=digest(inputs) if on_grid else None,
        makes=("coded",),
        reads=("checkpoint",),
        seeds={**before.seeds, **seeds},
    )


def curvature_unit(
    model: Any,
    point: CurvaturePoint,
    checkpoint: Unit,
    units: list[Unit],
    text: dict | None = None,
) -> Unit:
    """Measure one point of the model that ``checkpoint`` makes; ``units`` quantize it.

    Args:
        text: what determines the windows, where the identity of ``checkpoint`` does not.
    """
    quantized = None
    if point.setting != UNQUANTIZED:
        quantized = next(u for u in units if u.stage == "quantize" and u.setting == point.setting)
    before = quantized or checkpoint
    state = "checkpoint" if point.train_fraction == 1 else "trajectory"
    return Unit(
        stage="curvature",
        model_id=model.model_id,
        setting=quantized.setting if quantized else None,
        variant=point.variant,
        identity={
            **before.identity,
            "point": point.identity,
            "seeds": CURVATURE_SEEDS,
            "curvature": STAGE_VERSIONS["curvature"],
            **({"text": text} if text else {}),
        },
        tables=("curvature", "spectra"),
        needs=(*before.needs, before.name),
        model=(model, point),
        work_tokens=point.products * point.windows * model.context_length,
        checkpoint=checkpoint.checkpoint,
        trajectory=checkpoint.trajectory,
        coded=quantized.coded if quantized else None,
        reads=(state, "coded") if quantized else (state,),
        seeds={**before.seeds, **CURVATURE_SEEDS},
    )
