"""Where bits go: a step for each matrix, by what it adds to loss and length (section 7).

Every matrix is rounded alone at several steps, while all others keep their trained values, and the
model's loss and the matrix's coded length are measured.  Both add up over matrices in first
order, so the least sum of loss and price times length has the least sum of every matrix.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from compute.base.folders import whole_folder
from compute.base.setting import Setting
from compute.models.layout import Parameter
from compute.quantize.codes import entropy
from compute.quantize.quantizers import quantize

#: Steps that are tried, as the quantizer ``watersic`` means them.
STEPS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)

#: Tokens of the calibration windows that are scored at each trial.
MEASURED_TOKENS = 2**15

_FILE = "trials.json"


@dataclass(frozen=True)
class Trial:
    """One matrix rounded alone.

    Attributes:
        step: of ``watersic``.
        loss_nats: increase of the model's mean loss on calibration windows; may be negative.
        bits: coded length of the matrix.
    """

    step: float
    loss_nats: float
    bits: int


def cheapest_steps(
    trials: dict[str, list[Trial]], price: float, params_total: int
) -> dict[str, float]:
    """The step of each matrix with the least loss plus price times bits per parameter.

    Args:
        trials: by name of the parameter.
        price: nats of loss that a bit per parameter of the whole model is worth.
        params_total: N.

    Raises:
        ValueError: the price is not positive.
    """
    if not price > 0.0:
        raise ValueError(f"a price of {price} nats for a bit must be positive")

    def cost(trial: Trial) -> float:
        return trial.loss_nats + price * trial.bits / params_total

    return {name: min(found, key=cost).step for name, found in trials.items()}


def kept_trials(
    folder: Path | None, measure: Callable[[], dict[str, list[Trial]]]
) -> dict[str, list[Trial]]:
    """Trials of an earlier setting with the same calibration, or new ones, which are kept.

    Args:
        folder: of what is kept of the calibration; None to keep nothing.
    """
    own = None if folder is None else folder.with_name(f"{folder.name}-trials")
    if own is not None and own.exists():
        stored = json.loads((own / _FILE).read_text())
        return {name: [Trial(**trial) for trial in found] for name, found in stored.items()}
    trials = measure()
    if own is not None:
        rows = {name: [asdict(trial) for trial in found] for name, found in trials.items()}
        with whole_folder(own) as ready:
            (ready / _FILE).write_text(json.dumps(rows))
    return trials


def measure_trials(
    model: PreTrainedModel,
    moments: Iterable[tuple[Parameter, torch.Tensor]],
    batches: list[torch.Tensor],
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, list[Trial]]:
    """Trials of every parameter with a moment; ``model`` has its values again afterwards.

    Args:
        moments: of each matrix, as ``quantizers.quantize`` takes it.
        batches: calibration windows, token ids of shape (B, T) each.
        report: called with the number of matrices that are done.
    """
    trained, found = _loss(model, batches), {}
    for done, (parameter, moment) in enumerate(moments, start=1):
        held = model.get_parameter(parameter.name)
        values = held.detach().clone()
        matrix, trials = parameter.to_matrix(values), []
        for step in STEPS:
            try:
                tensor = quantize(parameter, matrix, moment, Setting("watersic", step=step))
            except ValueError:  # this step is too small or too large for its grid
                continue
            with torch.no_grad():
                held.copy_(parameter.from_matrix(tensor.dequantize()))
            loss = _loss(model, batches) - trained
            trials.append(Trial(step, loss, 8 * len(entropy.encode([tensor]))))
        with torch.no_grad():
            held.copy_(values)
        if not trials:
            raise ValueError(f"{parameter.name}: it cannot be rounded at any of the steps {STEPS}")
        found[parameter.name] = trials
        report(done)
    return found


@torch.inference_mode()
def _loss(model: PreTrainedModel, batches: list[torch.Tensor]) -> float:
    """Mean next-token loss on the first calibration windows, nats."""
    total, count = 0.0, 0
    for tokens in batches:
        if count >= MEASURED_TOKENS:
            break
        logits = model(tokens[:, :-1]).logits.float()
        targets = tokens[:, 1:]
        summed = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="sum"
        )
        total, count = total + summed.item(), count + targets.numel()
    return total / count
