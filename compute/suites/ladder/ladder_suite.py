"""The ladder: models that the project trains itself, from ``ladder.toml``."""

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from compute.base.errors import InputError
from compute.base.setting import Setting
from compute.suites.checkpoints import FRACTIONS
from compute.suites.curvature_point import CurvaturePoint
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.learning_rate import LearningRateRule
from compute.suites.ladder.recipe import Recipe
from compute.suites.measurements import points_of, unrolled

#: Fewest optimizer steps of a training run, if a preset has no ``fewest_steps``: with fewer the
#: smallest models stay far above what their size can reach.
FEWEST_STEPS = 1000


@dataclass(frozen=True)
class Measurement:
    """A setting that models are measured at.

    Attributes:
        setting: how models are quantized.
        train_windows: training windows that losses are measured on, drawn at random, for their
            mean alone; None for all of them and their histogram, which a bound needs.
        models: their ids; None for all.
    """

    setting: Setting
    train_windows: int | None = None
    models: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CurvatureRequest:
    """A point of curvature, of some models.

    Attributes:
        point: which matrix, where and how.
        models: their ids; None for all.
    """

    point: CurvaturePoint
    models: tuple[str, ...] | None = None

    def wants(self, model: LadderModel) -> bool:
        """Whether it asks for this model."""
        return self.models is None or model.model_id in self.models


@dataclass(frozen=True)
class Ladder:
    """A preset of the ladder.

    Attributes:
        suite: default name of its folder under ``data/``.
        context_length: tokens of a window.
        heldout_bytes: text held out.
        corpus_seed: of the order of documents and windows.
        calibration_windows: training windows that quantizers look at.
        models: smallest first.
        measurements: what models are measured at; of those with the same setting the first that
            is for a model counts.
        curvature: what is measured of the models' curvature.
        heldout_windows: of the held-out text, drawn at random; None for all of it.
        fresh_windows: if given, models differ in their learning rate, and all that is measured
            is their loss on so many training windows that come after their own.
        requential: recipe of the students of the models; None for no students.
    """

    suite: str
    context_length: int
    heldout_bytes: int
    corpus_seed: int
    calibration_windows: int
    models: tuple[LadderModel, ...]
    measurements: tuple[Measurement, ...]
    curvature: tuple[CurvatureRequest, ...] = ()
    heldout_windows: int | None = None
    fresh_windows: int | None = None
    requential: Recipe | None = None

    def measurements_of(self, model: LadderModel) -> list[Measurement]:
        """What one model is measured at, each setting once."""
        found: dict[Setting, Measurement] = {}
        for measurement in self.measurements:
            if measurement.models is None or model.model_id in measurement.models:
                found.setdefault(measurement.setting, measurement)
        return [*found.values()]


def load_ladder(preset: str, file: Path | None = None) -> Ladder:
    """Read one preset of ``ladder.toml`` (or of ``file``, laid out the same way).

    Raises:
        InputError: the file cannot be read, there is no such preset, or one of its models
            would take too few steps.
    """
    file = file or Path(__file__).parents[1] / "ladder.toml"
    try:
        return _parse(preset, tomllib.loads(file.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The ladder file {file} cannot be read: {error}.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The preset {preset!r} of {file} is not valid: {error}.") from None


def _parse(preset: str, content: dict) -> Ladder:
    """One preset of the file's content; raises InputError, KeyError, TypeError or ValueError."""
    if preset not in content["presets"]:
        raise InputError(
            f"There is no preset {preset!r}; choose one of {', '.join(content['presets'])}."
        )
    chosen = content["presets"][preset]
    models = [model for row in chosen["models"] for model in _models(row, chosen)]
    fewest = chosen.get("fewest_steps", FEWEST_STEPS)
    for model in models:
        if model.steps < fewest:
            raise InputError(
                f"The model {model.model_id} would take {model.steps} steps, fewer than "
                f"{fewest}; lower its batch_windows of {model.batch_windows}."
            )
    sets = chosen.get("model_sets", {})
    measurements = tuple(
        m for row in chosen.get("measurements", ()) for m in _measurements(row, sets)
    )
    curvature = tuple(c for row in chosen.get("curvature", ()) for c in _curvature(row, sets))
    _check_names([*measurements, *curvature], models)
    _check_curvature(curvature, models, measurements)
    return Ladder(
        suite=chosen["suite"],
        context_length=chosen["context_length"],
        heldout_bytes=chosen["heldout_bytes"],
        corpus_seed=chosen["corpus_seed"],
        calibration_windows=chosen["calibration_windows"],
        models=tuple(sorted(models, key=lambda model: model.params_total)),
        measurements=measurements,
        curvature=curvature,
        heldout_windows=chosen.get("heldout_windows"),
        fresh_windows=chosen.get("fresh_windows"),
        requential=Recipe(**chosen["requential"]) if "requential" in chosen else None,
    )


def _models(row: dict, preset: dict) -> Iterator[LadderModel]:
    """Models of one row; a learning rate that it does not give follows the preset's rule."""
    shared = {key: preset[key] for key in ("context_length", "tokens_per_parameter")}
    shared |= {key: preset[key] for key in ("train_arithmetic",) if key in preset}
    for values in unrolled(row):
        if "learning_rate" in values:
            yield LadderModel(**values, **shared)
        else:
            rule = LearningRateRule(**preset["learning_rate"])
            model = LadderModel(**values, **shared, learning_rate=math.nan)
            yield replace(model, learning_rate=rule.at(model.params_total))


def _measurements(row: dict, sets: dict[str, list[str]]) -> Iterator[Measurement]:
    row, models = _of_models(row, sets)
    for values in unrolled(row):
        train_windows = values.pop("train_windows", None)
        yield Measurement(Setting(**values), train_windows, models)


def _curvature(row: dict, sets: dict[str, list[str]]) -> Iterator[CurvatureRequest]:
    row, models = _of_models(row, sets)
    for point in points_of(row):
        yield CurvatureRequest(point, models)


def _of_models(row: dict, sets: dict[str, list[str]]) -> tuple[dict, tuple[str, ...] | None]:
    """A row of the file without its list of models, or the name of a set of them, and that list.

    The list is not an alternative for each row.
    """
    models = row.get("models")
    if isinstance(models, str):
        if models not in sets:
            raise ValueError(f"there is no set of models {models!r} in model_sets")
        models = sets[models]
    rest = {key: value for key, value in row.items() if key != "models"}
    return rest, None if models is None else tuple(models)


def _check_names(requests: list[Measurement | CurvatureRequest], models: list[LadderModel]) -> None:
    """Refuse requests of models that do not exist, and models of the same name.

    Raises:
        ValueError: naming one.
    """
    ids = [model.model_id for model in models]
    if len({(model.model_id, model.learning_rate) for model in models}) < len(models):
        twice = max(ids, key=ids.count)
        raise ValueError(f"two models are called {twice}; give them other seeds")
    for request in requests:
        for name in request.models or ():
            if name not in ids:
                raise ValueError(f"a measurement asks for the model {name!r}, which is not there")


def _check_curvature(
    requests: tuple[CurvatureRequest, ...],
    models: list[LadderModel],
    measurements: tuple[Measurement, ...],
) -> None:
    """Refuse what could only fail after training.

    Raises:
        ValueError: a state of a model, or a setting, does not exist.
    """
    settings = {measurement.setting for measurement in measurements}
    seen = set()
    for request in requests:
        point = request.point
        if point.train_fraction not in (*FRACTIONS, 1.0):
            kept = ", ".join(f"{fraction:g}" for fraction in (*FRACTIONS, 1.0))
            raise ValueError(f"train_fraction={point.train_fraction} is not one of {kept}")
        if point.setting not in settings:
            raise ValueError(f"curvature asks for {point.setting.slug}, which is not measured")
        for model in models:
            if not request.wants(model):
                continue
            if point.windows > model.train_windows:
                raise ValueError(
                    f"windows={point.windows} is more than {model.model_id} is trained on"
                )
            found = (model.model_id, point.setting, point.variant)
            if found in seen:
                raise ValueError(
                    f"curvature of {model.model_id} at {point.variant} is listed twice"
                )
            seen.add(found)
