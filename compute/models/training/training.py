"""One epoch of training in which every batch is scored before it is trained on."""

from collections.abc import Callable

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.models.language_model import batches
from compute.models.training.online_losses import OnlineLosses
from compute.models.training.training_state import TrainingState
from compute.suites.checkpoints import kept_steps
from compute.suites.ladder.ladder_model import LadderModel

#: Shares of the steps spent warming up and cooling down.  The linear cooldown makes the end
#: point a properly annealed one (Haegele et al. 2024, arXiv 2405.18392, use 10 to 20 %).
WARMUP_SHARE = 0.05
COOLDOWN_SHARE = 0.30

#: AdamW as in GPT-3 (Brown et al. 2020, appendix B); norms and biases are not decayed.
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.1
MAX_GRADIENT_NORM = 1.0


#: From this width of a head on, separate products in bfloat16 on a CPU are faster than torch's
#: fused attention, whose backward pass is slow there.  On a GPU they are always separate: the
#: backward passes of the fused kernels there (cuDNN's, flash attention's) are not deterministic,
#: and an interrupted run would continue to different weights.
WIDE_HEAD = 48


def schedule(step: int, steps: int) -> float:
    """Learning rate at ``step`` over its peak: warm-up, constant, linear cooldown to near 0."""
    warmup = (step + 1) / (WARMUP_SHARE * steps)
    cooldown = (steps - step) / (COOLDOWN_SHARE * steps)
    return min(1.0, warmup, cooldown)


def optimizer_of(model: PreTrainedModel, learning_rate: float) -> torch.optim.AdamW:
    """AdamW over all parameters; vectors are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    return torch.optim.AdamW(
        [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
        lr=learning_rate,
        betas=BETAS,
        weight_decay=WEIGHT_DECAY,
    )


def prepare(model: PreTrainedModel, spec: LadderModel, device: torch.device) -> None:
    """Put a model where it is trained, with the attention that is trained with there."""
    model.to(device).train()
    wide = spec.hidden_size // spec.heads >= WIDE_HEAD
    if device.type == "cuda" or (spec.train_arithmetic == "bfloat16" and wide):
        model.set_attn_implementation("eager")


def next_token_loss(
    model: PreTrainedModel, inputs: torch.Tensor, targets: torch.Tensor, spec: LadderModel
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean loss in nats per token, in the arithmetic of training, and the logits (B, T, V)."""
    mixed = spec.train_arithmetic == "bfloat16"
    with torch.autocast(model.device.type, torch.bfloat16, enabled=mixed):
        logits = model(inputs).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
    return loss, logits


def descend(
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    loss: torch.Tensor,
    learning_rate: float,
) -> None:
    """One step of the optimizer on a loss, its gradient clipped."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()


def train(
    model: PreTrainedModel,
    spec: LadderModel,
    windows: np.ndarray,
    device: torch.device,
    report: Callable[[int], None],
    keep: Callable[[int], None] = lambda step: None,
    state: TrainingState | None = None,
) -> OnlineLosses:
    """Train ``model`` in place for one epoch over ``windows``, shape (windows, context + 1).

    Args:
        report: receives the tokens trained on after every step.
        keep: called at each of ``kept_steps`` with the model after so many steps; a run
            that continues after an interruption may call it again for the same step.
        state: to continue an earlier run and to save this one; None to save nothing.

    Raises:
        ArithmeticError: the loss of a batch is not finite.
    """
    prepare(model, spec, device)
    optimizer = optimizer_of(model, spec.learning_rate)
    steps = -(-len(windows) // spec.batch_windows)
    kept = {*kept_steps(steps)}
    online = _restored(model, optimizer, state.read(device)) if state else OnlineLosses()
    first = len(online.loss_nats)
    if not first:
        keep(0)
    left = windows[first * spec.batch_windows :]
    for step, (inputs, targets) in enumerate(batches(left, spec.batch_windows, device), first):
        loss, logits = next_token_loss(model, inputs, targets, spec)
        if not torch.isfinite(loss):
            raise ArithmeticError(
                f"the training loss of {spec.model_id} became {loss.item()} at step {step}; "
                f"its learning rate of {spec.learning_rate} is too high"
            )
        online.add(loss.item(), logits, targets)
        descend(model, optimizer, loss, spec.learning_rate * schedule(step, steps))
        if step + 1 in kept:
            keep(step + 1)
        if state:
            state.save_if_due(lambda: _state(model, optimizer, online))
        report(online.tokens_seen[-1])
    return online


def _state(model: PreTrainedModel, optimizer: torch.optim.Optimizer, online: OnlineLosses) -> dict:
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "randomness": torch.get_rng_state(),
        "online": online.state_dict(),
    }
    if model.device.type == "cuda":
        state["cuda_randomness"] = torch.cuda.get_rng_state(model.device)
    return state


def _restored(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, state: dict | None
) -> OnlineLosses:
    """Restore model, optimizer and random state.

    Returns:
        The losses of the steps done; empty if there is no state, or one from before histograms
        were stored, which is not enough to continue from.
    """
    if state is None or "online" not in state:
        return OnlineLosses()
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["randomness"].cpu())
    if model.device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda_randomness"].cpu(), model.device)
    return OnlineLosses.from_state_dict(state["online"])
