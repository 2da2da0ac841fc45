"""Information in a trained model by prequential coding (section 9; paper, section 5).

It relies on the symmetry of information up to constants: a heuristic, not a certificate.
"""

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


def checkpoint_information_nats(
    tokens_seen: np.ndarray,
    excess_nats: np.ndarray,
    standard_errors: np.ndarray,
    train_tokens: float,
) -> tuple[float, float]:
    """K(h) in nats and its error, from the excess loss of a chain of checkpoints.

    The integral over tokens by the trapezoid rule.  While the excess only falls, the integral is
    between the left and the right Riemann sum, with the trapezoid rule midway: half their
    difference bounds the error for any course of the loss between two checkpoints.  Two standard
    errors of the sum, with independent checkpoints, are added.  At D the excess is 0 by definition.

    Args:
        tokens_seen: shape (checkpoints,), tokens trained on, rising from 0.
        excess_nats: shape (checkpoints,), mean loss of each checkpoint minus that of the final
            model, on the same tokens, which the checkpoint had not been trained on.
        standard_errors: shape (checkpoints,), of ``excess_nats``.
        train_tokens: D.

    Raises:
        ValueError: the checkpoints do not rise from 0 to below D, a value is not finite, or shapes
            differ.
    """
    seen, excess, errors = (
        np.asarray(values, dtype=np.float64)
        for values in (tokens_seen, excess_nats, standard_errors)
    )
    if not seen.shape == excess.shape == errors.shape or seen.ndim != 1 or seen.size == 0:
        raise ValueError(
            f"tokens_seen {seen.shape}, excess_nats {excess.shape} and standard_errors "
            f"{errors.shape} must be equally long"
        )
    if not (np.all(np.isfinite(excess)) and np.all(np.isfinite(errors))):
        raise ValueError("every excess and standard error must be finite")
    widths = np.diff(seen, append=float(train_tokens))
    if seen[0] != 0 or np.any(widths <= 0):
        raise ValueError("tokens_seen must rise from 0 to below train_tokens")
    falls = np.diff(excess, append=0.0)
    k_nats = widths @ (excess + falls / 2)
    quadrature = widths @ np.abs(falls) / 2
    weights = (widths + np.append(0.0, widths[:-1])) / 2
    return float(k_nats), float(quadrature + 2 * np.sqrt(weights**2 @ errors**2))


def power_law_information_nats(
    data_coefficient: float, data_exponent: float, train_tokens: float
) -> float:
    """K(h) in nats where the online loss falls as B/d^beta with the tokens d seen so far.

    The loss at D taken off and integrated from 0 to D: K = B beta/(1-beta) D^(1-beta), sublinear
    in D, so that K/N falls on the frontier.

    Args:
        data_coefficient: B, nats times tokens^beta.
        data_exponent: beta, inside (0, 1).
        train_tokens: D.

    Raises:
        ValueError: a value is out of range.
    """
    require_positive("data_coefficient", data_coefficient)
    require_positive("train_tokens", train_tokens)
    if not 0 < data_exponent < 1:
        raise ValueError(f"data_exponent must lie inside (0, 1), not {data_exponent}")
    b, beta = float(data_coefficient), float(data_exponent)
    return b * beta / (1 - beta) * float(train_tokens) ** (1 - beta)
