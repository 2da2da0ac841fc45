"""Products of a vector with the Hessian, or the Gauss-Newton matrix, of the mean token loss."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel

from schema import MATRICES

#: Makes (inputs, targets), both of shape (B, T) int64, again for every product.
Batches = Callable[[], Iterable[tuple[torch.Tensor, torch.Tensor]]]


@contextmanager
def twice_differentiable(model: PreTrainedModel) -> Iterator[None]:
    """Evaluation mode with attention and experts without fused kernels.

    Fused kernels have no second derivative; experts run one after the other.
    """
    attention, experts = model.config._attn_implementation, model.config._experts_implementation
    training = {module: module.training for module in model.modules()}
    model.set_attn_implementation("eager")
    model.set_experts_implementation("eager")
    model.eval()
    try:
        yield
    finally:
        model.set_attn_implementation(attention)
        model.set_experts_implementation(experts)
        for module, was in training.items():
            module.training = was


class CurvatureProduct:
    """Multiplies a curvature matrix of the mean token loss with vectors.

    Batches are taken one after the other, so that memory does not grow with their number.  Every
    product is a double backward pass: besides first derivatives it needs only second ones, which
    any model has whose attention is not fused.

    Attributes:
        size: n, entries of a vector.
        tokens: predictions that the mean is over.
        equal_batches: whether all batches have as many of them.
        names: parameters that the matrix is taken in, in the order of the vector's parts.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        batches: Batches,
        matrix: str,
        names: Sequence[str] | None = None,
        report: Callable[[int], None] = lambda tokens: None,
        vocab_size: int | None = None,
    ) -> None:
        """Prepare a product; nothing is computed yet.

        Args:
            model: used inside ``twice_differentiable``.
            matrix: one of ``MATRICES``.
            names: parameters of the matrix, the others being held fixed; default all.
            report: receives the tokens of each finished batch.
            vocab_size: V, if the model has more logits than that: the others are padding.

        Raises:
            ValueError: the matrix is unknown, a parameter is of less than 32 bits or does not
                require derivatives, or there is no token.
        """
        if matrix not in MATRICES:
            raise ValueError(f"there is no matrix {matrix!r}; choose one of {', '.join(MATRICES)}")
        self.model, self.batches, self.matrix, self.report = model, batches, matrix, report
        self.vocab_size = vocab_size
        chosen = dict(model.named_parameters())  # tied parameters once
        self.names = list(chosen) if names is None else list(names)
        self.parameters = [chosen[name] for name in self.names]
        for name, parameter in zip(self.names, self.parameters, strict=True):
            if parameter.dtype not in (torch.float32, torch.float64):
                raise ValueError(
                    f"curvature needs parameters of 32 or 64 bits, and {name} is {parameter.dtype}"
                )
            if not parameter.requires_grad:
                raise ValueError(
                    f"curvature needs derivatives by {name}, and it does not require them"
                )
        self.size = sum(parameter.numel() for parameter in self.parameters)
        counts = [targets.numel() for _, targets in batches()]
        self.tokens, self.equal_batches = sum(counts), len(set(counts)) == 1
        if not self.tokens:
            raise ValueError("curvature needs at least one token")

    @property
    def device(self) -> torch.device:
        """The device for vectors."""
        return self.parameters[0].device

    def __call__(
        self, vector: torch.Tensor, see: Callable[[torch.Tensor], None] = lambda part: None
    ) -> torch.Tensor:
        """The matrix times ``vector``, shape (n,), in the parameters' type and on their device.

        Args:
            see: receives the part of each batch.

        Raises:
            ArithmeticError: the product is not finite.
        """
        total = torch.zeros_like(vector)
        for part in self.parts(vector):
            see(part)
            total += part
        if not torch.isfinite(total).all():
            raise ArithmeticError(f"a product with the {self.matrix} matrix is not finite")
        return total

    def parts(self, vector: torch.Tensor) -> Iterator[torch.Tensor]:
        """The part of each batch in the product, shape (n,) each.

        Raises:
            ValueError: the vector has another shape.
        """
        if vector.shape != (self.size,):
            raise ValueError(f"a vector of shape ({self.size},) is needed, not {vector.shape}")
        pieces = self._split(vector)
        multiply = self._hessian if self.matrix == "hessian" else self._gauss_newton
        for inputs, targets in self.batches():
            logits = self.model(inputs, use_cache=False).logits  # (B, T, V)
            if self.vocab_size not in (None, logits.shape[-1]):
                logits = logits[..., : self.vocab_size]
            part = multiply(logits, targets, pieces)
            whole = torch.cat([piece.detach().flatten() for piece in part])
            del logits, part  # otherwise they would exist until the next batch is done
            yield whole
            self.report(targets.numel())

    def _hessian(
        self, logits: torch.Tensor, targets: torch.Tensor, vector: list[torch.Tensor]
    ) -> tuple[torch.Tensor, ...]:
        """d/dw <dL/dw, v>."""
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="sum"
        )
        gradient = self._differentiate(loss / self.tokens, create_graph=True)
        return self._differentiate_along(gradient, vector)

    def _gauss_newton(
        self, logits: torch.Tensor, targets: torch.Tensor, vector: list[torch.Tensor]
    ) -> tuple[torch.Tensor, ...]:
        """J^T S J v.  J v is the derivative by u of <J^T u, v>, which is linear in u."""
        u = torch.zeros_like(logits, requires_grad=True)
        backward = self._differentiate(logits, u, create_graph=True)  # J^T u
        kept = [(b, v) for b, v in zip(backward, vector, strict=True) if b.requires_grad]
        (change,) = torch.autograd.grad(
            [b for b, _ in kept], [u], [v for _, v in kept], retain_graph=True
        )  # J v, (B, T, V)
        with torch.no_grad():
            p = logits.softmax(dim=-1)
            curved = p * (change - (p * change).sum(dim=-1, keepdim=True)) / self.tokens  # S J v
        return self._differentiate(logits, curved)

    def _differentiate_along(
        self, gradient: Sequence[torch.Tensor], vector: list[torch.Tensor]
    ) -> tuple[torch.Tensor, ...]:
        kept = [(g, v) for g, v in zip(gradient, vector, strict=True) if g.requires_grad]
        return torch.autograd.grad(
            [g for g, _ in kept], self.parameters, [v for _, v in kept], materialize_grads=True
        )

    def _differentiate(
        self, output: torch.Tensor, weights: torch.Tensor | None = None, create_graph: bool = False
    ) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(
            output, self.parameters, weights, create_graph=create_graph, materialize_grads=True
        )

    def _split(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """Views of ``vector`` in the shapes of the parameters."""
        sizes = [parameter.numel() for parameter in self.parameters]
        parts = zip(vector.split(sizes), self.parameters, strict=True)
        return [part.view_as(parameter) for part, parameter in parts]
