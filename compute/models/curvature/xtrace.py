"""XTrace: the trace of a matrix from few products, each used to learn and to test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

#: Products are of full rank if the smallest of their directions is longer than this share of the
#: largest: single precision tells no more.
RANK_TOLERANCE = 1e-6


@dataclass(frozen=True)
class XTrace:
    """A summary of the products for all estimates: W has the k test vectors as columns
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
        if self._deficient:
            return np.full(len(self.own), np.trace(self.h))
        left_out = np.linalg.inv(self.r).T
        s = left_out / np.linalg.norm(left_out, axis=0)
        c = self.w - s * (s * self.w).sum(axis=0)
        learnt = np.trace(self.h) - ((self.h @ s) * s).sum(axis=0)
        return learnt + self.own - 2 * (c * self.aw).sum(axis=0) + ((self.h @ c) * c).sum(axis=0)

    @property
    def _deficient(self) -> bool:
        """Whether the rank of A is below the number of test vectors: then the trace is exact."""
        sizes = np.linalg.svd(self.r, compute_uv=False)
        return sizes[-1] <= RANK_TOLERANCE * sizes[0]

    def without(self, j: int) -> "XTrace":
        """The summary of the products without test vector ``j``.

        Y without a column is Q P S with R without that column = P S, so no product is needed.
        """
        kept = np.arange(len(self.own)) != j
        p, s = np.linalg.qr(self.r[:, kept])
        return XTrace(
            s, p.T @ self.h @ p, p.T @ self.w[:, kept], p.T @ self.aw[:, kept], self.own[kept]
        )

    def standard_error(self) -> float:
        """Standard error of the mean estimate, by the jackknife over test vectors.

        (Efron and Stein, Ann. Statist. 9, 1981.) The estimates are dependent, so their own spread
        would be too small.

        Raises:
            ValueError: fewer than three test vectors: without one there must be two.
        """
        k = len(self.own)
        if k < 3:
            raise ValueError(f"an error of XTrace needs at least 3 test vectors, not {k}")
        if self._deficient:
            return 0.0
        means = np.array([self.without(j).estimates().mean() for j in range(k)])
        return float(np.sqrt((k - 1) / k * ((means - means.mean()) ** 2).sum()))


def xtrace(
    product: Callable[[torch.Tensor], torch.Tensor], tests: Sequence[torch.Tensor], device: str
) -> XTrace:
    """Take 2k products of the symmetric matrix A, with the test vectors and their images.

    The second k products are with the directions that the first k span; only a summary is kept.

    Args:
        product: multiplies A with a vector of shape (n,), on any device, to one on any.
        tests: k vectors, entries independent of mean 0 and variance 1; accessed one at a time,
            more than once, so they may be generated on each access.
        device: of the k directions.

    Raises:
        ValueError: fewer than two test vectors, or more than n / 2.
    """
    k, n = len(tests), len(tests[0])
    if not 2 <= k <= n / 2:
        raise ValueError(f"XTrace needs from 2 to n/2 = {n // 2} test vectors, not {k}")
    q = torch.empty((k, n), dtype=tests[0].dtype, device=device)
    r, h, w, aw = np.zeros((4, k, k))
    own = np.empty(k)
    for i in range(k):
        test = tests[i]
        image = product(test).to(device)  # column i of Y
        own[i] = torch.dot(test.to(device), image).item()
        length = image.norm()
        for _ in range(2):  # the second time for the rounding error of the first
            along = q[:i] @ image
            image = image - along @ q[:i]
            r[:i, i] += _small(along)
        r[i, i] = image.norm().item()
        new = r[i, i] > RANK_TOLERANCE * length.item()
        q[i] = image / r[i, i] if new else 0.0
    for i in range(k):
        image = product(q[i]).to(device)
        h[:, i] = _small(q @ image)
        for j in range(k):
            test = tests[j].to(device)
            aw[i, j] = torch.dot(image, test).item()
            w[i, j] = torch.dot(q[i], test).item()
    return XTrace(r, (h + h.T) / 2, w, aw, own)


def _small(vector: torch.Tensor) -> np.ndarray:
    return vector.double().cpu().numpy()
