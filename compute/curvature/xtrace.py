"""XTrace: the trace of a matrix from few products, each used to learn and to test."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class XTrace:
    """What is left of the products, all that estimates need: W holds the k test vectors as columns
    and Y = A W = Q R.

    Attributes:
        r: R, shape (k, k).
        h: Q^T A Q, shape (k, k).
        w: Q^T W, shape (k, k).
        aw: Q^T A W, shape (k, k).
        own: W_i^T A W_i, shape (k,).
    """

    r: np.ndarray
    h: np.ndarray
    w: np.ndarray
    aw: np.ndarray
    own: np.ndarray

    def estimates(self) -> np.ndarray:
        """One estimate of Tr A per test vector, each without bias, shape (k,).

        Epperly, Tropp and Webber (SIAM J. Matrix Anal. Appl. 45, 2024), section 2.  Each test
        vector in turn is left out: the others' products span a subspace on which the trace is
        taken exactly, and the one left out samples the remainder.  Let s be unit and orthogonal to
        the columns of R but the i-th (the i-th column of R^-T, scaled): then Q (I - s s^T) Q^T
        projects on the other products, and with w = Q^T W_i, c = (I - s s^T) w, H = Q^T A Q,

            estimate_i = tr H - s^T H s  +  W_i^T A W_i - 2 c^T Q^T A W_i + c^T H c.
        """
        left_out = np.linalg.inv(self.r).T
        s = left_out / np.linalg.norm(left_out, axis=0)
        c = self.w - s * (s * self.w).sum(axis=0)
        learnt = np.trace(self.h) - ((self.h @ s) * s).sum(axis=0)
        return learnt + self.own - 2 * (c * self.aw).sum(axis=0) + ((self.h @ c) * c).sum(axis=0)

    def without(self, j: int) -> "XTrace":
        """What the products would have left, had test vector ``j`` not been there.

        Y less a column is Q P S with R less that column = P S, so no product is needed.
        """
        kept = np.arange(len(self.own)) != j
        p, s = np.linalg.qr(self.r[:, kept])
        return XTrace(
            s, p.T @ self.h @ p, p.T @ self.w[:, kept], p.T @ self.aw[:, kept], self.own[kept]
        )

    def standard_error(self) -> float:
        """Of the mean estimate, by the jackknife over test vectors, rather too large than too small
        (Efron and Stein, Ann. Statist. 9, 1981).

        The estimates share what was learnt, so that their own spread would say too little.

        Raises:
            ValueError: fewer than three test vectors: without one there must be two.
        """
        k = len(self.own)
        if k < 3:
            raise ValueError(f"an error of XTrace needs at least 3 test vectors, not {k}")
        means = np.array([self.without(j).estimates().mean() for j in range(k)])
        return float(np.sqrt((k - 1) / k * ((means - means.mean()) ** 2).sum()))


def xtrace(product: Callable[[torch.Tensor], torch.Tensor], tests: torch.Tensor) -> XTrace:
    """Take 2k products of the symmetric matrix A: with the test vectors, and with the directions
    that these products span.

    Args:
        product: multiplies A with a vector of shape (n,).
        tests: W, shape (n, k), entries independent of mean 0 and variance 1.

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
    return XTrace(
        r=_small(r),
        h=(h + h.T) / 2,
        w=_small(q.T @ tests),
        aw=_small(q_images.T @ tests),
        own=_small((tests * images).sum(dim=0)),
    )


def _small(matrix: torch.Tensor) -> np.ndarray:
    return matrix.double().cpu().numpy()
