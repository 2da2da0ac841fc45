"""The units of the ladder, and what each needs."""

from compute.base.digest import digest
from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.ladder_suite import Ladder, Measurement
from compute.suites.text.windows.tiling import Windows, predictions
from compute.work.stages.information import Information
from compute.work.stages.ladder.measure import Measure, Scoring
from compute.work.stages.ladder.register import Register
from compute.work.stages.ladder.sweep import Sweep
from compute.work.stages.ladder.train import Train
from compute.work.stages.ladder.trajectory import Trajectory
from compute.work.stages.quantize import Quantize
from compute.work.stages.stage import Stage
from compute.work.stages.units.shared import curvature_unit, quantize_unit

#: Of the training windows on which the loss is compared with the unquantized model's, and on
#: which it is measured where not all are.
SAMPLE_SEED = 12


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
            "version": Train.version,
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


def ladder_units(ladder: Ladder, fingerprint: str, heldout_tokens: int) -> list[Stage]:
    """Every unit of the ladder, dependencies before dependents."""
    fresh = ladder.fresh_windows
    if fresh is not None:
        return [Sweep(model=m, suite=fingerprint, fresh_windows=fresh) for m in ladder.models]
    return [
        unit
        for model in ladder.models
        for unit in _model_units(ladder, model, fingerprint, heldout_tokens)
    ]


def _model_units(
    ladder: Ladder, model: LadderModel, fingerprint: str, heldout_tokens: int
) -> list[Stage]:
    train = Train(model=model, suite=fingerprint)
    ahead = Trajectory(model=model, before=train)
    units = [train, Register(model=model, before=train), ahead]
    windows = min(ladder.calibration_windows, model.train_windows)
    for measurement in ladder.measurements_of(model):
        quantized = quantize_unit(train, measurement.setting, windows)
        measured = _measure_unit(measurement, quantized, heldout_tokens)
        units += [quantized, measured]
        if measurement.setting == UNQUANTIZED:
            units.append(Information(model=model, before=measured, ahead=ahead))
    for request in ladder.curvature:
        if request.wants(model):
            units.append(curvature_unit(request.point, train, units))
    return units


def _measure_unit(measurement: Measurement, quantized: Quantize, heldout_tokens: int) -> Measure:
    model, windows = quantized.model, measurement.train_windows
    if windows is not None:
        windows = min(windows, model.train_windows)
    of = {"model": model, "before": quantized, "setting": measurement.setting}
    return Measure(**of, scoring=Scoring(windows, SAMPLE_SEED), heldout_tokens=heldout_tokens)
