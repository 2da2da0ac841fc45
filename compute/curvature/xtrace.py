"""XTrace: the trace of a matrix from few products, each used to learn and to test."""

from collections.abc import Callable

import numpy as np
import torch


def xtrace(product: Callable[[torch.Tensor], torch.Tensor], tests: torch.Tensor) -> np.ndarray:
    """Exchangeable estimates of a trace, one per test vector.

    Epperly, Tropp and Webber (SIAM J. Matrix Anal. Appl. 45, 2024), section 2.

    Each test vector in turn is left out: the others' products span a subspace on which the trace
    is taken exactly, and the one left out samples the remainder.  The trace of a symmetric matrix
    A is estimated without bias by each, so also by their mean; their spread over sqrt(k) is the
    paper's error estimate.  Twice as many products as test vectors are taken.

    With Y = A W = Q R, let s be unit and orthogonal to the columns of R but the i-th (the i-th
    column of R^-T, scaled): then Q (I - s s^T) Q^T projects on the other products, and with
    w = Q^T W_i, c = (I - s s^T) w, H = Q^T A Q,

        estimate_i = tr H - s^T H s  +  W_i^T A W_i - 2 c^T Q^T A W_i + c^T H c.

    Args:
        product: multiplies A with a vector of shape (n,).
        tests: W, shape (n, k), k >= 2, entries independent of mean 0 and variance 1.

    Returns:
        Shape (k,), float64.

    Raises:
        ValueError: fewer than two test vectors, or more than n / 2.
    """
    n, k = tests.shape
    if not 2 <= k <= n / 2:
        raise ValueError(f"XTrace needs from 2 to n/2 = {n // 2} test vectors, not {k}")
    images = torch.stack([product(column) for column in tests.T], dim=1)  # Y, (n, k)
    q, r = torch.linalg.qr(images)
    q_images = torch.stack([product(column) for column in q.T.contiguous()], dim=1)  # A Q, (n, k)
    h = _small(q.T @ q_images)
    h = (h + h.T) / 2
    w = _small(q.T @ tests)  # (k, k), a column per test vector
    aw = _small(q_images.T @ tests)  # Q^T A W
    own = _small((tests * images).sum(dim=0))  # W_i^T A W_i, (k,)
    left_out = np.linalg.inv(_small(r)).T
    s = left_out / np.linalg.norm(left_out, axis=0)
    c = w - s * (s * w).sum(axis=0)
    learnt = np.trace(h) - ((h @ s) * s).sum(axis=0)
    return learnt + own - 2 * (c * aw).sum(axis=0) + ((h @ c) * c).sum(axis=0)


def _small(matrix: torch.Tensor) -> np.ndarray:
    return matrix.double().cpu().numpy()
