"""The units of a suite, what each needs, and which of them are still to be done."""

from dataclasses import dataclass
from pathlib import Path

from compute.curvature.point import CurvaturePoint
from compute.errors import InputError
from compute.setting import UNQUANTIZED, Setting
from compute.stages.curvature import SEEDS as CURVATURE_SEEDS
from compute.stages.measure import Scoring
from compute.stages.quantize import Calibration
from compute.stages.trajectory import WINDOWS as AHEAD_WINDOWS
from compute.suites.checkpoints import kept_steps, pythia_steps
from compute.suites.ladder import Ladder, LadderModel, Measurement
from compute.suites.windows import Windows, predictions
from compute.unit import Unit, digest
from compute.workspace import Workspace

#: Raised by one when a change of the code changes the numbers of that stage, so that files
#: written before are known to be stale.
STAGE_VERSIONS = {
    "train": 1,
    "register": 2,
    "quantize": 1,
    "measure": 2,
    "trajectory": 2,
    "information": 2,
    "curvature": 1,
}

#: Of the training windows that quantizers look at.
CALIBRATION_SEED = 11

#: Of the training windows on which the loss is compared with the unquantized model's, and on
#: which it is measured where not all are.
SAMPLE_SEED = 12


def suite_fingerprint(ladder: Ladder, corpus_fingerprint: str) -> str:
    """Digest of what the suite's checkpoints depend on: files with another never mix."""
    return digest(
        {
            "corpus": corpus_fingerprint,
            "corpus_seed": ladder.corpus_seed,
            "models": [model.identity for model in ladder.models],
            "version": STAGE_VERSIONS["train"],
        }
    )


def check_corpus_size(ladder: Ladder, windows: Windows, corpus: str) -> None:
    """Refuse, by name, a size whose D exceeds the training text.

    Raises:
        InputError: a model needs more distinct tokens than there are.
    """
    available = predictions(windows.training)
    for model in ladder.models:
        if model.train_tokens > available:
            raise InputError(
                f"The model {model.model_id} needs D = {model.train_tokens:,} distinct tokens and "
                f"the corpus {corpus} has {available:,} for training; choose a larger corpus "
                "with CORPUS=path or a smaller preset."
            )


def ladder_units(ladder: Ladder, fingerprint: str, heldout_tokens: int) -> list[Unit]:
    """Every unit of the ladder, dependencies before dependents."""
    return [
        unit
        for model in ladder.models
        for unit in _model_units(ladder, model, fingerprint, heldout_tokens)
    ]


def _model_units(
    ladder: Ladder, model: LadderModel, fingerprint: str, heldout_tokens: int
) -> list[Unit]:
    # The fingerprint stands for the corpus; the model's own numbers are part of it too, but
    # naming them here keeps the key right should a suite ever grow model by model.
    trained = {"suite": fingerprint, "model": model.identity, "train": STAGE_VERSIONS["train"]}
    checkpoint = digest(trained)
    seeds = {"weights": model.seed}
    name = model.model_id
    train = Unit(
        stage="train",
        model_id=name,
        setting=None,
        identity=trained,
        tables=("online_losses",),
        model=model,
        work_tokens=model.train_tokens,
        checkpoint=checkpoint,
        trajectory=digest([checkpoint, kept_steps(model.steps)]),
        makes=("checkpoint", "trajectory"),
        seeds=seeds,
    )
    register = Unit(
        stage="register",
        model_id=name,
        setting=None,
        identity={**trained, "register": STAGE_VERSIONS["register"]},
        tables=("models",),
        needs=(train.name,),
        model=model,
        checkpoint=checkpoint,
        reads=("checkpoint",),
        seeds=seeds,
    )
    ahead = _trajectory_unit(model, train)
    units = [train, register, ahead]
    for measurement in ladder.measurements:
        quantized = _quantize_unit(ladder, model, measurement.setting, train)
        measured = _measure_unit(model, measurement, quantized, heldout_tokens)
        units += [quantized, measured]
        if measurement.setting == UNQUANTIZED:
            information = Unit(
                stage="information",
                model_id=name,
                setting=None,
                identity={
                    **measured.identity,
                    "trajectory": ahead.identity,
                    "information": STAGE_VERSIONS["information"],
                },
                tables=("information",),
                needs=(train.name, ahead.name, measured.name),
                model=(train, ahead, measured),
                seeds=seeds,
            )
            units.append(information)
    for request in ladder.curvature:
        if request.wants(model):
            units.append(_curvature_unit(model, request.point, train, units))
    return units


def _trajectory_unit(model: LadderModel, train: Unit) -> Unit:
    # A standard error needs two windows ahead.
    most = (model.train_windows - 2) // model.batch_windows
    steps = [step for step in pythia_steps(model.steps) if step <= most]
    return Unit(
        stage="trajectory",
        model_id=model.model_id,
        setting=None,
        identity={
            **train.identity,
            "steps": steps,
            "windows": AHEAD_WINDOWS,
            "trajectory": STAGE_VERSIONS["trajectory"],
        },
        tables=("checkpoint_losses",),
        needs=(train.name,),
        model=(model, steps),
        work_tokens=2 * len(steps) * AHEAD_WINDOWS * model.context_length,
        checkpoint=train.checkpoint,
        trajectory=train.trajectory,
        reads=("checkpoint", "trajectory"),
        seeds=train.seeds,
    )


def _curvature_unit(
    model: LadderModel, point: CurvaturePoint, train: Unit, units: list[Unit]
) -> Unit:
    quantized = None
    if point.setting != UNQUANTIZED:
        quantized = next(u for u in units if u.stage == "quantize" and u.setting == point.setting)
    before = quantized or train
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
        },
        tables=("curvature", "spectra"),
        needs=(*before.needs, before.name),
        model=(model, point),
        work_tokens=point.products * point.windows * model.context_length,
        checkpoint=train.checkpoint,
        trajectory=train.trajectory,
        coded=quantized.coded if quantized else None,
        reads=(state, "coded") if quantized else (state,),
        seeds={**before.seeds, **CURVATURE_SEEDS},
    )


def _quantize_unit(ladder: Ladder, model: LadderModel, setting: Setting, train: Unit) -> Unit:
    seeds = {"calibration": CALIBRATION_SEED}
    if setting.quantizer_seed is not None:
        seeds["quantizer"] = setting.quantizer_seed
    calibration = Calibration(
        min(ladder.calibration_windows, model.train_windows), CALIBRATION_SEED
    )
    identity = {
        **train.identity,
        "setting": setting.columns,
        "calibration": [calibration.windows, calibration.seed],
        "quantize": STAGE_VERSIONS["quantize"],
    }
    on_grid = setting.quantizer not in ("none", "cast")
    return Unit(
        stage="quantize",
        model_id=model.model_id,
        setting=setting,
        identity=identity,
        tables=("layers",) if on_grid else (),
        needs=(train.name,),
        model=(model, calibration),
        work_tokens=calibration.tokens(model) if on_grid else 0,
        checkpoint=train.checkpoint,
        coded=digest(identity),
        makes=("coded",),
        reads=("checkpoint",),
        seeds={**train.seeds, **seeds},
    )


def _measure_unit(
    model: LadderModel, measurement: Measurement, quantized: Unit, heldout_tokens: int
) -> Unit:
    windows = measurement.train_windows
    sampled = windows is not None and windows < model.train_windows
    scoring = Scoring(windows if sampled else None, SAMPLE_SEED)
    identity = {**quantized.identity, "scoring": scoring.identity}
    return Unit(
        stage="measure",
        model_id=model.model_id,
        setting=measurement.setting,
        identity={**identity, "measure": STAGE_VERSIONS["measure"]},
        tables=("quantized",) if sampled else ("quantized", "loss_histograms"),
        needs=(*quantized.needs, quantized.name),
        model=(model, scoring, quantized),
        work_tokens=scoring.train_tokens(model) + heldout_tokens,
        checkpoint=quantized.checkpoint,
        coded=quantized.coded,
        reads=("checkpoint", "coded"),
        seeds={**quantized.seeds, "sample": SAMPLE_SEED},
    )


@dataclass(frozen=True)
class Plan:
    """The units of a run by what is to happen to them, each in order.

    Attributes:
        units: all of them.
        done: their files are there.
        failed: name -> recorded error of those that failed before and are left alone.
        blocked: names of those that need a failed one, directly or not.
        todo: to be run.
    """

    units: list[Unit]
    done: list[Unit]
    failed: dict[str, str]
    blocked: list[str]
    todo: list[Unit]


def make_plan(units: list[Unit], workspace: Workspace, retry_failed: bool) -> Plan:
    """Sort out which units remain.

    A unit whose checkpoint or coded model has left the cache is run again, to the same bytes,
    if a unit that is to be run reads it.
    """
    states = {unit.name: workspace.store.state(unit) for unit in units}
    failed = {n: error for n, (state, error) in states.items() if state == "failed"}
    if retry_failed:
        failed = {}
    blocked: list[str] = []
    for unit in units:  # dependencies come first
        if states[unit.name][0] == "missing" and {*unit.needs} & {*failed, *blocked}:
            blocked.append(unit.name)
    out = {*failed, *blocked}
    todo: list[Unit] = []
    wanted: set[Path] = set()  # what units to be run will read and the cache does not hold
    for unit in reversed(units):  # dependents come first
        made = {workspace.cached(unit, what) for what in unit.makes}
        if unit.name not in out and (states[unit.name][0] != "done" or made & wanted):
            todo.insert(0, unit)
            wanted |= {p for what in unit.reads if not (p := workspace.cached(unit, what)).exists()}
    names = {unit.name for unit in todo} | out
    done = [unit for unit in units if unit.name not in names]
    return Plan(units, done, failed, blocked, todo)


def units_to_make(unit: Unit, units: list[Unit], workspace: Workspace) -> list[Unit]:
    """``unit`` and, before it, those that make what it reads and the cache does not hold."""
    missing = {p for what in unit.reads if not (p := workspace.cached(unit, what)).exists()}
    makers = [
        other
        for other in units
        if missing & {workspace.cached(other, what) for what in other.makes}
    ]
    before = [earlier for maker in makers for earlier in units_to_make(maker, units, workspace)]
    return [*before, unit]
