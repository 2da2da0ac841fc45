"""The units of the ladder, and what each needs."""

from compute.base.digest import digest
from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.ladder_suite import Ladder
from compute.suites.text.windows.tiling import Windows, predictions
from compute.work.stages.curvature import Curvature
from compute.work.stages.information import Information
from compute.work.stages.ladder.measure import Measure
from compute.work.stages.ladder.register import Register
from compute.work.stages.ladder.requential import Requential
from compute.work.stages.ladder.sweep import Sweep
from compute.work.stages.ladder.train import Train
from compute.work.stages.ladder.trajectory import Trajectory
from compute.work.stages.quantize import Quantize
from compute.work.stages.stage import Stage


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
    states: dict[Setting, Stage] = {}
    for measurement in ladder.measurements_of(model):
        setting, scored = measurement.setting, measurement.train_windows
        of = {"model": model, "setting": setting}
        states[setting] = Quantize(**of, before=train, windows=windows)
        of |= {"before": states[setting], "heldout_tokens": heldout_tokens}
        measured = Measure(**of, windows=scored and min(scored, model.train_windows))
        units += [states[setting], measured]
        if setting == UNQUANTIZED:
            units.append(Information(model=model, before=measured, ahead=ahead))
    states[UNQUANTIZED] = train
    for point in (request.point for request in ladder.curvature if request.wants(model)):
        of = {"model": model, "setting": states[point.setting].setting}
        units.append(Curvature(**of, before=states[point.setting], point=point))
    if ladder.requential:
        of = {"model": model, "before": train, "heldout_tokens": heldout_tokens}
        units.append(Requential(**of, recipe=ladder.requential))
    return units
