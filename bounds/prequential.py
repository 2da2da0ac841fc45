"""Information in a trained model by prequential coding (section 9; paper, section 5)."""

import numpy as np

from bounds.checks import require_positive


def prequential_information_nats(
    tokens_seen: np.ndarray, online_loss_nats: np.ndarray, final_loss_nats: float
) -> float:
    """K(h) in nats: the area between the online loss and the final model's loss.

    Args:
        tokens_seen: shape (batches,), tokens trained on when each batch ends, rising.
        online_loss_nats: shape (batches,), mean loss of each batch scored *before* it is
            trained on.
        final_loss_nats: mean loss of the final model on the same tokens.

    It rests on the symmetry of information up to constants: a heuristic, no certificate.

    Raises:
        ValueError: ``tokens_seen`` does not rise from above 0, or shapes differ.
    """
    seen = np.asarray(tokens_seen, dtype=np.float64)
    online = np.asarray(online_loss_nats, dtype=np.float64)
    if seen.shape != online.shape or seen.ndim != 1 or seen.size == 0:
        raise ValueError(
            f"tokens_seen {seen.shape} and online_loss_nats {online.shape} must be equally long"
        )
    batch_tokens = np.diff(seen, prepend=0.0)
    if np.any(batch_tokens <= 0):
        raise ValueError("tokens_seen must rise from one batch to the next, from above 0")
    require_positive("final_loss_nats", final_loss_nats)
    return float(batch_tokens @ (online - final_loss_nats))
