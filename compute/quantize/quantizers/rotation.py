"""Seeded orthogonal rotations that spread a matrix evenly over its entries (QuIP's incoherence).

After Chee et al. 2023 (QuIP, section 4), with Hadamard transforms instead of dense random
matrices, as in its successor (Tseng et al. 2024).  A decoder must rotate back to exactly the same
bits on any machine, so a rotation consists of additions, subtractions and one multiplication per
entry in a fixed order: IEEE 754 fixes their results, but not those of matrix products.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Rotation:
    """W -> U W V^T with U and V orthogonal, made from a seed.

    Attributes:
        seed: of all rotations of a model.
        name: of the parameter: two parameters are rotated differently.
        rows: whether rows are rotated; if not, U is the identity.
    """

    seed: int
    name: str
    rows: bool = True

    def matrix(self, weight: torch.Tensor) -> torch.Tensor:
        """U W V^T.

        Args:
            weight: shape (rows, columns), float64.
        """
        rotated = _forward(weight, self._signs("columns", weight.shape[1]))
        if self.rows:
            rotated = _forward(rotated.T, self._signs("rows", weight.shape[0])).T
        return rotated.contiguous()

    def inverse(self, rotated: torch.Tensor) -> torch.Tensor:
        """U^T W V, the way back."""
        weight = rotated
        if self.rows:
            weight = _backward(weight.T, self._signs("rows", weight.shape[0])).T
        return _backward(weight, self._signs("columns", rotated.shape[1])).contiguous()

    def hessian(self, hessian: torch.Tensor) -> torch.Tensor:
        """V H V^T, the second moment of the rotated inputs; shape (columns, columns)."""
        signs = self._signs("columns", hessian.shape[0])
        return _forward(_forward(hessian, signs).T, signs)

    def _signs(self, side: str, size: int) -> torch.Tensor:
        """Random signs, shape (2, size), float64; one row for each pass."""
        # Raw words of PCG64: numpy keeps their sequence fixed for all time.
        words = np.random.PCG64([self.seed, zlib.crc32(f"{self.name}/{side}".encode())])
        bits = words.random_raw(2 * size) >> np.uint64(63)
        return torch.from_numpy(1.0 - 2.0 * bits.astype(np.float64)).reshape(2, size)


def _forward(x: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """Rotate the last axis: signs, then a Hadamard transform, of the first p entries and, where
    p is not all of them, of the last p; p is the largest power of two that fits."""
    x, p, n = x.clone(), *_widths(x)
    signs = signs.to(x.device)
    x = x * signs[0]
    x[:, :p] = _hadamard(x[:, :p])
    if p < n:
        x = x * signs[1]
        x[:, n - p :] = _hadamard(x[:, n - p :])
    return x


def _backward(x: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """Undo ``_forward``: every step is its own inverse."""
    x, p, n = x.clone(), *_widths(x)
    signs = signs.to(x.device)
    if p < n:
        x[:, n - p :] = _hadamard(x[:, n - p :])
        x = x * signs[1]
    x[:, :p] = _hadamard(x[:, :p])
    return x * signs[0]


def _widths(x: torch.Tensor) -> tuple[int, int]:
    n = x.shape[-1]
    return 1 << (n.bit_length() - 1), n


def _hadamard(x: torch.Tensor) -> torch.Tensor:
    """Orthonormal Walsh-Hadamard transform of the last axis, whose length p is a power of two."""
    rows, p = x.shape
    span = 1
    while span < p:
        pairs = x.reshape(rows, p // (2 * span), 2, span)
        x = torch.stack((pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]), dim=2)
        span *= 2
    return x.reshape(rows, p) * (1.0 / math.sqrt(p))
