"""Lanczos steps with full reorthogonalization: a quadrature of a symmetric matrix's spectrum.

Golub and Meurant, Matrices, Moments and Quadrature with Applications (2010), chapter 6; stochastic
Lanczos quadrature after Ubaru, Chen and Saad (SIAM J. Matrix Anal. Appl. 38, 2017).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch

#: A new direction shorter than this many roundings of the matrix's size is only noise: the vectors
#: so far span an invariant subspace, within rounding.
BREAKDOWN_ROUNDINGS = 10


@dataclass(frozen=True)
class Tridiagonal:
    """The matrix in the basis of its first Lanczos vectors, from one unit vector.

    Attributes:
        diagonal: shape (m,); its first entry is v^T A v.
        off_diagonal: shape (m - 1,).
        residual: the next off-diagonal entry, if it was too small for another step; None if all
            requested steps were made.
    """

    diagonal: np.ndarray
    off_diagonal: np.ndarray
    residual: float | None = None

    @property
    def steps(self) -> int:
        """m: products with the matrix; fewer than requested if the vectors ran out."""
        return len(self.diagonal)

    def gauss(self, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Nodes (Ritz values, ascending) and weights after so many steps, default all.

        v^T f(A) v is about the sum of weights times f(nodes), exactly so for polynomials of degree
        up to 2m - 1.  The weights, squares of the first entries of the unit eigenvectors, are not
        negative and sum to 1.

        Returns:
            Two arrays of shape (m,), float64.
        """
        m = self._steps(steps)
        return _rule(self.diagonal[:m], self.off_diagonal[: m - 1])

    def radau(self, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The quadrature with one node at 0 (Gauss-Radau; Golub 1973, section 3), exact to 2m - 2.

        Most eigenvalues of a large model are near 0, where the square root is steep.  The Gauss
        rule has them at a node that jumps from one side of 0 to the other with every step, and the
        estimate with it; here they are at 0.  For a matrix without negative eigenvalues the rule's
        sum for the square root is never above the exact value and that of the Gauss rule is never
        below it (its even derivatives are negative, its odd ones positive).
        """
        m = self._steps(steps)
        diagonal, off_diagonal = self.diagonal[:m].copy(), self.off_diagonal[: m - 1]
        if m == self.steps and self.residual is not None:  # all of the spectrum, and an additional
            # node at 0
            diagonal, off_diagonal = (
                np.append(diagonal, 0.0),
                np.append(off_diagonal, self.residual),
            )
            m += 1
        if m == 1:
            return self.gauss(m)
        # The last pivot of T - 0 I must vanish: alpha_m = beta_(m-1)^2 (T_(m-1)^-1)_(m-1,m-1).
        before = _rows(diagonal[:-1], off_diagonal[:-1])
        last = np.zeros(m - 1)
        last[-1] = off_diagonal[-1] ** 2
        try:
            with np.errstate(divide="ignore", invalid="ignore"):
                diagonal[-1] = scipy.linalg.solve_banded((1, 1), before, last)[-1]
        except np.linalg.LinAlgError:
            diagonal[-1] = np.nan
        if not np.isfinite(diagonal[-1]):  # the Gauss rule of one step less has a node at 0 itself
            return self.gauss(m - 1)
        return _rule(diagonal, off_diagonal)

    def _steps(self, steps: int | None) -> int:
        return min(steps or self.steps, self.steps)


def _rule(diagonal: np.ndarray, off_diagonal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a tridiagonal matrix (Golub and Welsch 1969)."""
    nodes, vectors = scipy.linalg.eigh_tridiagonal(
        diagonal.astype(np.float64), off_diagonal.astype(np.float64)
    )
    return nodes, vectors[0] ** 2


def _rows(diagonal: np.ndarray, off_diagonal: np.ndarray) -> np.ndarray:
    """A symmetric tridiagonal matrix in banded form, shape (3, m)."""
    above, below = np.append(0.0, off_diagonal), np.append(off_diagonal, 0.0)
    return np.stack([above, diagonal, below])


@dataclass(frozen=True)
class BasisPlace:
    """The place of the Lanczos vectors: by far the most memory at large sizes.

    Attributes:
        device: of the basis; projections are computed there.
        dtype: float32 like the products, or a shorter type, which costs orthogonality.
    """

    device: str
    dtype: torch.dtype = torch.float32

    @property
    def dtype_name(self) -> str:
        """``float32``, ``bfloat16``."""
        return str(self.dtype).removeprefix("torch.")

    def __str__(self) -> str:
        return f"{self.device}, {self.dtype_name}"


def lanczos(
    product: Callable[[torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    steps: int,
    place: BasisPlace,
) -> Tridiagonal:
    """``steps`` Lanczos steps from ``start``, every new vector made orthogonal to all, twice.

    Args:
        product: multiplies the symmetric matrix with a vector of shape (n,).
        start: shape (n,), not 0; its type and device are those of the products.

    Raises:
        ValueError: ``steps`` is not positive.
    """
    if steps < 1:
        raise ValueError(f"Lanczos needs at least one step, not {steps}")
    steps = min(steps, start.numel())
    vector = start / start.norm()
    basis = torch.empty((steps, start.numel()), dtype=place.dtype, device=place.device)
    diagonal, off_diagonal = [], []
    residual = None
    for step in range(steps):
        basis[step] = vector
        image = product(vector)
        diagonal.append(torch.dot(vector, image).item())
        if step + 1 == steps:
            residual = 0.0 if steps == start.numel() else None
            break
        for _ in range(2):  # once leaves an error that grows; "twice is enough" (Kahan, Parlett)
            image = _orthogonal_part(image, basis[: step + 1])
        length = image.norm().item()
        scale = max(map(abs, diagonal + off_diagonal))
        if length <= BREAKDOWN_ROUNDINGS * torch.finfo(image.dtype).eps * scale:
            residual = length
            break
        off_diagonal.append(length)
        vector = image / length
    return Tridiagonal(np.array(diagonal), np.array(off_diagonal), residual)


def _orthogonal_part(vector: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """``vector`` minus its projection on the rows of ``basis``, shape (k, n), on their device."""
    here = vector.to(basis.device)
    if basis.dtype == here.dtype:
        here = here - basis.T @ (basis @ here)
    else:  # one row at a time, so that the whole basis is not widened at once
        here = here.clone()
        for row in basis:
            wide = row.to(here.dtype)
            here -= torch.dot(wide, here) / torch.dot(wide, wide) * wide
    return here.to(vector.device)
