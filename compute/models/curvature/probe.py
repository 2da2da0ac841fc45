"""One random vector's Lanczos run, stored in a small file so that it is not repeated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from compute.base.whole_file import whole_file
from compute.models.curvature.lanczos import BasisPlace, Tridiagonal, lanczos
from compute.models.curvature.products import CurvatureProduct


def rademacher(size: int, seed: int, index: int) -> torch.Tensor:
    """Random signs, shape (n,), float32; the same for the same seed, index and n anywhere."""
    generator = torch.Generator().manual_seed(1_000_003 * seed + index)
    return torch.randint(0, 2, (size,), generator=generator, dtype=torch.int8).float() * 2 - 1


@dataclass(frozen=True)
class Signs(Sequence[torch.Tensor]):
    """Vectors of random signs, generated again on each access.

    Attributes:
        size: n, entries of each.
        seed: as of ``rademacher``.
        count: how many.
    """

    size: int
    seed: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        return rademacher(self.size, self.seed, index)


@dataclass(frozen=True)
class Probe:
    """The results for one random vector v of signs.

    Attributes:
        tridiagonal: of the Lanczos run that v / |v| started.
        batch_forms: shape (batches,), v^T A_i v with A_i the matrix of batch i alone: their mean
            is v^T A v, whose expectation is Tr A (Hutchinson).  Empty where batches differ in
            size.
    """

    tridiagonal: Tridiagonal
    batch_forms: np.ndarray

    def save(self, file: Path) -> None:
        """Write ``file`` completely or not at all."""
        residual = self.tridiagonal.residual
        save_arrays(
            file,
            diagonal=self.tridiagonal.diagonal,
            off_diagonal=self.tridiagonal.off_diagonal,
            residual=np.array(np.nan if residual is None else residual),
            batch_forms=self.batch_forms,
        )

    @classmethod
    def load(cls, file: Path) -> "Probe":
        """The content that ``save`` wrote."""
        with np.load(file) as arrays:
            residual = float(arrays["residual"])
            tridiagonal = Tridiagonal(
                arrays["diagonal"],
                arrays["off_diagonal"],
                None if np.isnan(residual) else residual,
            )
            return cls(tridiagonal, arrays["batch_forms"])


def save_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Write an ``.npz`` file completely or not at all."""
    with whole_file(file) as writing, writing.open("wb") as stream:
        np.savez(stream, **arrays)


def run_probe(
    product: CurvatureProduct, signs: torch.Tensor, steps: int, place: BasisPlace
) -> Probe:
    """Lanczos from ``signs``; the first product also shows how the batches differ."""
    forms: list[float] = []

    def multiply(vector: torch.Tensor) -> torch.Tensor:
        if forms:
            return product(vector)
        return product(vector, lambda part: forms.append(torch.dot(vector, part).item()))

    tridiagonal = lanczos(multiply, signs.to(product.device), steps, place)
    # The parts sum to the whole, of which a batch alone is a multiple; v / |v| has length 1.
    whole = product.size * len(forms) * np.array(forms)
    return Probe(tridiagonal, whole if product.equal_batches else np.empty(0))
