"""The units of the ladder, and what each needs."""

from compute.base.digest import digest
from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED
from compute.suites.checkpoints import kept_steps, pythia_steps
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.ladder_suite import Ladder, Measurement
from compute.suites.text.windows.tiling import Windows, predictions
from compute.work.stages.ladder.measure import Scoring
from compute.work.stages.ladder.trajectory import WINDOWS as AHEAD_WINDOWS
from compute.work.stages.units.shared import curvature_unit, quantize_unit
from compute.work.stages.versions import STAGE_VERSIONS
from compute.work.unit import Unit

#: Of the training windows on which the loss is compared with the unquantized model's, and on
#: which it is measured where not all are.
SAMPLE_SEED = 12

#: Stages that can be left out; a sweep of learning rates has units of none.
OPTIONAL = ("register", "quantize", "measure", "trajectory", "information", "curvature")


def suite_fingerprint(ladder: Ladder, corpus_fingerprint: str) -> str:
    """Digest of what the suite's checkpoints depend on: files with another never mix.

    A sweep may grow by rates and sizes: what it holds does not depend on what else it holds.
    """
    text = {"corpus": corpus_fingerprint, "corpus_seed": ladder.corpus_seed}
    if ladder.fresh_windows is not None:
        return digest({**text, "fresh_windows": ladder.fresh_windows})
    return digest(
        {
            **text,
            "heldout_windows": ladder.heldout_windows,
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
    fresh = (ladder.fresh_windows or 0) * ladder.context_length
    for model in ladder.models:
        if model.train_tokens + fresh > available:
            more = f" and {fresh:,} fresh ones" if fresh else ""
            raise InputError(
                f"The model {model.model_id} needs D = {model.train_tokens:,} distinct tokens"
                f"{more}, and the corpus {corpus} has {available:,} for training; choose a larger "
                "corpus with CORPUS=path or a smaller preset."
            )


def ladder_units(ladder: Ladder, fingerprint: str, heldout_tokens: int) -> list[Unit]:
    """Every unit of the ladder, dependencies before dependents."""
    if ladder.fresh_windows is not None:
        return [_sweep_unit(model, ladder.fresh_windows, fingerprint) for model in ladder.models]
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
        tables=("online_losses", "loss_histograms"),
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
        early=True,
    )
    ahead = _trajectory_unit(model, train)
    units = [train, register, ahead]
    for measurement in ladder.measurements_of(model):
        windows = min(ladder.calibration_windows, model.train_windows)
        quantized = quantize_unit(model, measurement.setting, windows, train)
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
                model=(model, train, ahead, measured),
                seeds=seeds,
            )
            units.append(information)
    for request in ladder.curvature:
        if request.wants(model):
            units.append(curvature_unit(model, request.point, train, units))
    return units


def _sweep_unit(model: LadderModel, fresh_windows: int, fingerprint: str) -> Unit:
    versions = {stage: STAGE_VERSIONS[stage] for stage in ("train", "sweep")}
    return Unit(
        stage="sweep",
        model_id=model.model_id,
        setting=None,
        variant=f"rate{model.learning_rate:g}",
        identity={"suite": fingerprint, "model": model.identity, **versions},
        tables=("learning_rates",),
        model=(model, fresh_windows),
        work_tokens=model.train_tokens,
        seeds={"weights": model.seed},
    )


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


def _measure_unit(
    model: LadderModel, measurement: Measurement, quantized: Unit, heldout_tokens: int
) -> Unit:
    sampled = measurement.train_windows is not None
    windows = min(measurement.train_windows, model.train_windows) if sampled else None
    scoring = Scoring(windows, SAMPLE_SEED)
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
        paired=digest([quantized.checkpoint, scoring.identity, STAGE_VERSIONS["measure"]]),
        reads=("checkpoint", "coded"),
        seeds={**quantized.seeds, "sample": SAMPLE_SEED},
        early=measurement.setting == UNQUANTIZED,
    )
