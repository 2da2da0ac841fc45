"""Expected times of units on this machine, measured by a few steps of each model."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.models import language_model
from compute.models.curvature.fit import BATCH_TOKENS as CURVATURE_BATCH_TOKENS
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.evaluation import BATCH_TOKENS, evaluate
from compute.models.training import training
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.text.windows.tiling import predictions
from compute.work.machines.devices import prepare_process
from compute.work.unit import Unit

#: Steps timed per model, after as many to warm up.
TIMED_STEPS = 4

#: Seconds of a unit that hardly uses the model: reading, hashing, writing.
OVERHEAD_SECONDS = 0.05


@dataclass(frozen=True)
class Speed:
    """Seconds per token of one model on one worker."""

    training: float
    evaluation: float
    curvature: float


def measure_speeds(models: list[LadderModel], device: str) -> dict[str, Speed]:
    """Time a few training steps and one evaluation batch of each model, by model_id."""
    prepare_process()
    return {model.model_id: _speed(model, torch.device(device)) for model in models}


def _speed(spec: LadderModel, device: torch.device) -> Speed:
    # At a rate of 0 even a model whose training would diverge can be timed.
    spec = replace(spec, learning_rate=0.0)
    model = language_model.build(spec)
    steps = 2 * TIMED_STEPS
    rng = np.random.default_rng(0)
    windows = rng.integers(1, 127, (steps * spec.batch_windows, spec.context_length + 1))
    marks: list[float] = []
    training.train(model, spec, windows, device, lambda _: marks.append(time.monotonic()))
    timed = marks[-1] - marks[TIMED_STEPS - 1]
    step_tokens = spec.batch_windows * spec.context_length
    model.eval()
    count = max(1, BATCH_TOKENS[device.type] // spec.context_length)
    batch = np.resize(windows, (count, spec.context_length + 1))
    start = time.monotonic()
    evaluate(model, batch, device, lambda _: None)
    evaluation = (time.monotonic() - start) / predictions(batch)
    return Speed(timed / (TIMED_STEPS * step_tokens), evaluation, _curvature_speed(model, batch))


def _curvature_speed(model: PreTrainedModel, windows: np.ndarray) -> float:
    """Seconds per token of a product with the Hessian, the slower of the matrices."""
    windows = windows[: max(1, CURVATURE_BATCH_TOKENS // (windows.shape[1] - 1))]
    device = model.device
    with twice_differentiable(model):
        product = CurvatureProduct(
            model, lambda: language_model.batches(windows, len(windows), device), "hessian"
        )
        vector = torch.ones(product.size, device=device)
        product(vector)  # to warm up
        start = time.monotonic()
        product(vector).sum().item()
    return (time.monotonic() - start) / predictions(windows)


def unit_seconds(speeds: dict[str, Speed]) -> Callable[[Unit], float]:
    """Expected seconds of a unit, for scheduling and for the estimate."""

    def seconds(unit: Unit) -> float:
        if not unit.work_tokens:
            return OVERHEAD_SECONDS
        per_token = getattr(speeds[unit.model_id], unit.pace)
        return OVERHEAD_SECONDS + per_token * unit.work_tokens

    return seconds


def wall_seconds(units: list[Unit], seconds: Callable[[Unit], float], workers: int) -> float:
    """Expected time of the run: the work divided by the workers, but at least its longest chain."""
    chains: dict[str, float] = {}
    for unit in units:
        before = max((chains.get(name, 0.0) for name in unit.needs), default=0.0)
        chains[unit.name] = before + seconds(unit)
    shared = sum(seconds(unit) for unit in units) / max(workers, 1)
    return max(shared, max(chains.values(), default=0.0))
