"""The parameters of a causal language model: their kinds and orientations.

Fixed by the architecture before training, so a decoder knows it without cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D


class Kind(StrEnum):
    """The kinds of parameters that quantizers distinguish."""

    LINEAR = "linear"
    EMBEDDING = "embedding"
    OTHER = "other"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the architecture.

    Attributes:
        name: as ``named_parameters`` gives it; a tied one has one name.
        shape: as in the module.
        kind: matrices of linear layers, of embeddings, or anything else.
        transposed: GPT-2's ``Conv1D`` stores (inputs, outputs).
        per_token: each row belongs to one token: embeddings and the output layer.
    """

    name: str
    shape: tuple[int, ...]
    kind: Kind
    transposed: bool = False
    per_token: bool = False

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of its code: a matrix has its outputs as rows."""
        return self.shape[::-1] if self.transposed else self.shape

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """(rows, columns) of its codes: a vector is one row."""
        return (1, self.shape[0]) if len(self.shape) == 1 else self.code_shape

    def to_matrix(self, values: torch.Tensor) -> torch.Tensor:
        """Module's tensor -> rows of outputs."""
        return values.T.contiguous() if self.transposed else values

    def from_matrix(self, matrix: torch.Tensor) -> torch.Tensor:
        """Rows of outputs -> module's tensor."""
        return (matrix.T if self.transposed else matrix).reshape(self.shape).contiguous()


def layout(model: PreTrainedModel) -> list[Parameter]:
    """Every parameter once, sorted by name.

    A matrix that serves as embedding and as output layer (tied) counts as linear.
    """
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    per_token = {id(end.weight) for end in ends if end is not None}
    kinds: dict[int, Kind] = {}
    transposed: set[int] = set()
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear | Conv1D):
            kinds[id(weight)] = Kind.LINEAR
        elif isinstance(module, nn.Embedding):
            kinds.setdefault(id(weight), Kind.EMBEDDING)
        if isinstance(module, Conv1D):
            transposed.add(id(weight))
    return [
        Parameter(
            name,
            tuple(parameter.shape),
            kinds.get(id(parameter), Kind.OTHER),
            id(parameter) in transposed,
            id(parameter) in per_token,
        )
        for name, parameter in sorted(model.named_parameters())
    ]


def modules_of(model: nn.Module, parameters: Iterable[Parameter]) -> dict[str, list[nn.Module]]:
    """Parameter name -> modules whose ``weight`` it is; several where it is tied."""
    names = {id(model.get_parameter(parameter.name)): parameter.name for parameter in parameters}
    found: dict[str, list[nn.Module]] = {}
    for module in model.modules():
        name = names.get(id(getattr(module, "weight", None)))
        if name is not None:
            found.setdefault(name, []).append(module)
    return found
