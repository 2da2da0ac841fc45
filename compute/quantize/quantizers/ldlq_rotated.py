"""LDLQ with incoherence processing: rotate, round, let the decoder rotate back (QuIP)."""

import torch

from compute.quantize.quantizers.grid import min_max_grid
from compute.quantize.quantizers.ldlq import repaired_moment, round_with_feedback, without_inputs
from compute.quantize.quantizers.rotation import Rotation
from compute.quantize.quantizers.tensors import QuantizedTensor, with_rotation


def quantize(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    bits: int,
    group_size: int | None = None,
    *,
    rotation: Rotation,
) -> QuantizedTensor:
    """LDLQ of the rotated matrix against the rotated Hessian.

    Rotation makes the weights of a row similar in size and spreads the Hessian's eigenvectors, so
    the trace of its diagonal factor falls towards (mu^2/n) tr(sqrt(H))^2 (section 7).

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: second moment of the layer's inputs, shape (columns, columns).
        bits: b, 1 to 8.
        group_size: columns that share a scale; None for whole rows.
        rotation: of this parameter.

    Raises:
        ValueError: as ``ldlq.quantize``.
    """
    hessian, dead = repaired_moment(hessian)
    rotated = rotation.matrix(without_inputs(weight, dead))
    tensor = round_with_feedback(
        rotated, rotation.hessian(hessian), lambda rows, _: min_max_grid(rows, bits, group_size)
    )
    return with_rotation(tensor, rotation)
