"""Cholesky factors of layer Hessians that may be singular: more damping until one exists."""

from collections.abc import Callable
from typing import TypeVar

import torch

Factor = TypeVar("Factor")

#: Shares of the mean diagonal that are added to it, tried in order; the first is GPTQ's default.
DAMPINGS = (0.01, 0.03, 0.1, 0.3, 1.0)
USUAL_DAMPING = DAMPINGS[0]


def with_damping(attempt: Callable[[float], Factor]) -> tuple[Factor, float]:
    """The result of the first damping at which ``attempt`` finds its factor, and that damping.

    Raises:
        ValueError: no damping is enough.
    """
    for damping in DAMPINGS:
        try:
            return attempt(damping), damping
        except torch.linalg.LinAlgError:
            continue
    raise ValueError(
        f"the layer's Hessian has no Cholesky factor, even with {DAMPINGS[-1]:g} times its mean "
        "diagonal added"
    )


def unit_upper_factor(hessian: torch.Tensor, damping: float) -> tuple[torch.Tensor, torch.Tensor]:
    """B and d with H + damping*mean(diag H)*I = B diag(d) B^T, B upper triangular, ones on its
    diagonal (QuIP writes B = U + I; section 7).

    Args:
        hessian: H, shape (n, n), float64, symmetric, no zero on the diagonal.

    Returns:
        B of shape (n, n) and d of shape (n,).

    Raises:
        torch.linalg.LinAlgError: the damped matrix is not positive definite.
    """
    # A Cholesky factor is lower triangular; that of H read backwards is upper triangular.
    backwards = hessian.flip(0, 1)  # a copy, which is worked on in place
    backwards.diagonal().add_(damping * hessian.diagonal().mean())
    root = torch.linalg.cholesky(backwards, out=backwards).flip(0, 1)
    diagonal = root.diagonal().clone()
    return root.div_(diagonal), diagonal.square()
