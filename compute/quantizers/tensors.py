"""What a quantizer makes of a parameter: integer codes on a grid, or the values themselves."""

from dataclasses import dataclass

import torch

#: Stored width of a scale.  The range of bfloat16 is float32's, so no scale can overflow.
SCALE_DTYPE = torch.bfloat16


@dataclass(frozen=True)
class QuantizedTensor:
    """A matrix as integer codes: value = scale * (code - zero).

    Attributes:
        codes: shape (rows, columns), uint8, in [0, 2**bits).
        scales: shape (rows, groups), bfloat16, positive: rounded to their stored width
            *before* the codes were computed.
        zeros: shape (rows, groups), uint8, in [0, 2**bits): the code of the value 0.
        bits: b.
        group_size: columns that share a scale; None for whole rows.
    """

    codes: torch.Tensor
    scales: torch.Tensor
    zeros: torch.Tensor
    bits: int
    group_size: int | None

    def dequantize(self) -> torch.Tensor:
        """The values, shape (rows, columns), float32."""
        columns = self.codes.shape[1]
        width = self.group_size or columns
        scales = self.scales.float().repeat_interleave(width, dim=1)[:, :columns]
        zeros = self.zeros.float().repeat_interleave(width, dim=1)[:, :columns]
        return scales * (self.codes.float() - zeros)

    @property
    def stored_bits(self) -> int:
        """Bits of codes, scales and zero points; a file may add padding to whole bytes."""
        scale_bits = 8 * self.scales.element_size()
        return self.codes.numel() * self.bits + self.scales.numel() * (scale_bits + self.bits)


@dataclass(frozen=True)
class RawTensor:
    """A parameter that is not quantized, in its stored dtype."""

    values: torch.Tensor

    def dequantize(self) -> torch.Tensor:
        """The values, same shape, float32."""
        return self.values.float()

    @property
    def stored_bits(self) -> int:
        """Bits of the values."""
        return 8 * self.values.numel() * self.values.element_size()


StoredTensor = QuantizedTensor | RawTensor
