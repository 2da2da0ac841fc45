"""Losses and predictive entropies of every token, binned immediately into histograms."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from bounds import LossBins, TokenLosses, bin_losses
from bounds.losses.histogram import merge_histograms
from compute.models.language_model import batches
from compute.models.products import onednn_products

#: Tokens in one forward pass.  On a CPU large enough to be efficient, and at V = 256 the float64
#: logits take 8 MiB, which malloc still keeps for the next batch instead of returning them; a GPU
#: needs the same time for 4096 tokens of a small model as for many more.
BATCH_TOKENS = {"cpu": 4096, "cuda": 2**17}


@dataclass(frozen=True)
class Evaluation:
    """Losses of one model on one set of windows.

    Attributes:
        histogram: joint histogram, losses rounded up.
        mean_loss_nats: the exact mean, nothing rounded.
        window_losses: mean loss of each window, shape (windows,), float64.
        window_token_losses: shape (windows, context), float64, or None if not requested.
    """

    histogram: TokenLosses
    mean_loss_nats: float
    window_losses: np.ndarray
    window_token_losses: np.ndarray | None


@torch.inference_mode()
def evaluate(
    model: PreTrainedModel,
    windows: np.ndarray,
    device: torch.device,
    report: Callable[[int], None],
    keep_tokens: bool = False,
) -> Evaluation:
    """Score every token except the first of ``windows``, shape (windows, context + 1).

    The softmax is computed in float64, so that the loss is exact for the logits of the model.

    Raises:
        ArithmeticError: a loss is NaN or infinite.
    """
    bins = LossBins()
    parts, kept, means, total, count = [], [], [], 0.0, 0
    batch_windows = max(1, BATCH_TOKENS[device.type] // (windows.shape[1] - 1))
    for inputs, targets in batches(windows, batch_windows, device):
        with onednn_products(model):
            logits = model(inputs).logits
        losses, entropies = losses_and_entropies(logits, targets)
        require_finite(losses)
        losses, entropies = losses.cpu().numpy(), entropies.cpu().numpy()
        parts.append(bin_losses(TokenLosses.of_tokens(losses.ravel(), entropies.ravel()), bins))
        means.append(losses.mean(axis=1))
        if keep_tokens:
            kept.append(losses)
        total += losses.sum()
        count += losses.size
        report(count)
    return Evaluation(
        histogram=merge_histograms(parts),
        mean_loss_nats=total / count,
        window_losses=np.concatenate(means),
        window_token_losses=np.concatenate(kept) if keep_tokens else None,
    )


def require_finite(losses: torch.Tensor) -> None:
    """Raise ArithmeticError if a loss is NaN or infinite."""
    if not torch.isfinite(losses).all():
        bad = losses[~torch.isfinite(losses)][0].item()
        raise ArithmeticError(f"the model gave a token the loss {bad}, which is not finite")


def losses_and_entropies(
    logits: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of each target and entropy of each prediction in nats, float64, one exp per logit.

    With z the logits less their maximum and Z = sum exp(z):  X = ln Z - z_target,
    H = ln Z - sum z*exp(z)/Z.

    Args:
        logits: shape (..., V).
        targets: shape (...), int64.
    """
    z = logits.double()
    z -= z.amax(dim=-1, keepdim=True)
    weights = z.exp()  # (..., V)
    total = weights.sum(dim=-1)  # (...)
    log_total = total.log()
    losses = log_total - z.gather(-1, targets[..., None])[..., 0]
    mean_z = torch.einsum("...v,...v->...", weights, z) / total
    # Rounding may leave either an ulp below 0.
    return losses.clamp(min=0.0), (log_total - mean_z).clamp(min=0.0)


def clustered_standard_error(losses: np.ndarray, clusters: np.ndarray) -> float:
    """Standard error of the mean of ``losses`` when whole clusters are the independent units.

    The mean is a ratio of cluster sums, so this is the ratio estimator's error (Cochran,
    Sampling Techniques, 3rd ed., section 6.3), with the small-sample factor m/(m-1).

    Args:
        losses: any shape, nats.
        clusters: same shape, integers >= 0; for held-out text, the document of each token.
    """
    flat = clusters.ravel()
    sums = np.bincount(flat, weights=losses.ravel())
    counts = np.bincount(flat)
    sums, counts = sums[counts > 0], counts[counts > 0]
    m = len(counts)
    if m < 2:
        raise ValueError(f"a standard error needs at least 2 clusters, not {m}")
    residuals = sums - counts * (sums.sum() / counts.sum())
    return float(np.sqrt(m / (m - 1) * (residuals**2).sum()) / counts.sum())
