"""The second moment of a layer's inputs, and quantities computed from it once for all users."""

import math
from dataclasses import dataclass

import torch

from compute.quantize.quantizers.damping import unit_upper_factor, with_damping
from compute.quantize.quantizers.ldlq import order_of_columns, repaired_moment
from compute.quantize.quantizers.rotation import Rotation

#: Columns up to which all eigenvectors are computed, on a CPU and elsewhere: the time grows with
#: the third power, and 4096 columns take half a minute of one core.
SPECTRUM_COLUMNS = {"cpu": 4096}
_ON_DEVICE = 32768

#: Columns up to which they are computed again for every layer and setting.
SMALL_COLUMNS = 512


@dataclass(frozen=True)
class Spectrum:
    """Quantities of the eigenvalues and eigenvectors of H; NaN if they were not computed.

    Attributes:
        trace_sqrt: tr(sqrt(H)).
        incoherence: mu = sqrt(n) * largest entry of the eigenvectors.
    """

    trace_sqrt: float
    incoherence: float


#: Of a matrix too large for its eigenvectors, or for which LAPACK fails.
UNKNOWN = Spectrum(math.nan, math.nan)


def identity_spectrum(diagonal: torch.Tensor) -> Spectrum:
    """Quantities of a diagonal matrix, whose eigenvectors are unit vectors."""
    return Spectrum(diagonal.sqrt().sum().item(), math.sqrt(len(diagonal)))


class InputMoment:
    """H, the mean of x x^T over a layer's inputs x, for all layers that have these inputs.

    Attributes:
        hessian: H, shape (columns, columns), float64, on the device where it was measured.
        dead: inputs that are always 0, shape (columns,).
    """

    def __init__(
        self,
        hessian: torch.Tensor,
        repaired: torch.Tensor | None = None,
        expected: torch.Tensor | None = None,
    ) -> None:
        """Store ``hessian``; compute nothing yet.

        Args:
            hessian: shape (columns, columns).
            repaired: the matrix that is damped and factored instead; None for H with the
                moments of dead inputs replaced.
            expected: ``expected_losses(None, False)``, if it is known.
        """
        self.hessian = hessian.double()
        self.dead = self.hessian.diagonal() == 0
        self._repaired = repaired
        self._rotated: tuple[Rotation, InputMoment] | None = None
        self._spectrum: Spectrum | None = None
        self._expected: dict[tuple[float | None, bool], torch.Tensor] = {}
        if expected is not None:
            self._expected[None, False] = expected

    def rotated(self, rotation: Rotation | None) -> "InputMoment":
        """The moment of the inputs of the rotated layer; itself without a rotation."""
        if rotation is None:
            return self
        if self._rotated is None or self._rotated[0] != rotation:  # the last one is stored
            repaired = rotation.hessian(repaired_moment(self.hessian)[0])
            self._rotated = rotation, InputMoment(rotation.hessian(self.hessian), repaired)
        return self._rotated[1]

    def spectrum(self) -> Spectrum:
        """Quantities of H; NaN if it is too large, or LAPACK fails."""
        if self._spectrum is None:
            self._spectrum = _spectrum(self.hessian)
        return self._spectrum

    def incoherence_if_small(self) -> float:
        """Quantities of H, if it is so small that its eigenvectors take almost no time; else
        NaN."""
        return self.spectrum().incoherence if len(self.hessian) <= SMALL_COLUMNS else math.nan

    def proxy_loss(self, error: torch.Tensor) -> torch.Tensor:
        """tr(E H E^T) of errors of some rows, shape (rows, columns); a number on the CPU."""
        error = error.to(self.hessian.device)
        return ((error @ self.hessian) * error).sum().clamp(min=0.0).cpu()

    def expected_losses(self, damping: float | None, act_order: bool) -> torch.Tensor:
        """Proxy loss per squared rounding residual of each column, shape (columns,), on the CPU.

        With the damped H' = B diag(d) B^T that was factored, and independent residuals r, the
        error is e = r B^-1, and the mean of e H e^T the sum over k of (B^-1 H B^-T)_kk times the
        mean of r_k^2.  For H = H' that factor is d_k.

        Args:
            damping: that was needed; None where nothing was factored, for what would be.
            act_order: whether columns were rounded by falling diagonal of H.
        """
        key = (damping, act_order)
        if key not in self._expected:
            self._expected[key] = self._expected_losses(*key)
        return self._expected[key]

    def _expected_losses(self, damping: float | None, act_order: bool) -> torch.Tensor:
        repaired = self._repaired
        if repaired is None:
            repaired = repaired_moment(self.hessian)[0]
        order = order_of_columns(repaired, act_order)
        ordered = repaired[order][:, order]
        if damping is None:  # rounded to nearest: the loss that feedback would have reached
            (factor, _), _ = with_damping(lambda share: unit_upper_factor(ordered, share))
        else:
            factor, _ = unit_upper_factor(ordered, damping)
        inverse = torch.linalg.solve_triangular(
            factor,
            torch.eye(len(factor), dtype=factor.dtype, device=factor.device),
            upper=True,
            unitriangular=True,
        )
        expected = ((inverse @ self.hessian[order][:, order]) * inverse).sum(dim=1)
        return expected.clamp(min=0.0)[torch.argsort(order)].cpu()


def _spectrum(hessian: torch.Tensor) -> Spectrum:
    if len(hessian) > SPECTRUM_COLUMNS.get(hessian.device.type, _ON_DEVICE):
        return UNKNOWN
    try:
        values, vectors = torch.linalg.eigh(hessian)
    except torch.linalg.LinAlgError:
        return UNKNOWN
    roots = values.clamp(min=0.0).sqrt().cpu()
    return Spectrum(roots.sum().item(), math.sqrt(len(hessian)) * vectors.abs().max().item())
