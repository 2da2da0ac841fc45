"""Small models in float64 and their curvature matrices written out in full."""

import numpy as np
import torch
from torch.func import functional_call, grad, jacrev, jvp
from transformers import PreTrainedModel

from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from tests.compute.helpers import examples

#: Tokens per window.
CONTEXT = 12


def windows(count: int = 3) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of inputs and targets: the last one is smaller."""
    random = torch.Generator().manual_seed(5)
    shapes = [(2, CONTEXT)] * (count - 1) + [(1, CONTEXT)]
    draw = [torch.randint(0, examples.VOCABULARY, (2, *s), generator=random) for s in shapes]
    return [(inputs, targets) for inputs, targets in draw]


def mean_loss(model: PreTrainedModel, batches: list) -> torch.Tensor:
    """Mean token loss, by the model's own logits."""
    losses = [
        torch.nn.functional.cross_entropy(
            model(inputs, use_cache=False).logits.flatten(0, 1), targets.flatten(), reduction="none"
        )
        for inputs, targets in batches
    ]
    return torch.cat(losses).mean()


def gradient(model: PreTrainedModel, batches: list) -> torch.Tensor:
    """Of the mean loss, flat."""
    with twice_differentiable(model):
        found = torch.autograd.grad(mean_loss(model, batches), list(model.parameters()))
    return torch.cat([part.flatten() for part in found])


def shifted_gradient(model: PreTrainedModel, batches: list, step: torch.Tensor) -> torch.Tensor:
    """The gradient at the weights plus ``step``."""
    before = [p.detach().clone() for p in model.parameters()]
    sizes = [p.numel() for p in before]
    with torch.no_grad():
        for p, s in zip(model.parameters(), step.split(sizes), strict=True):
            p += s.view_as(p)
    found = gradient(model, batches)
    with torch.no_grad():
        for p, old in zip(model.parameters(), before, strict=True):
            p.copy_(old)
    return found


def finite_difference(
    model: PreTrainedModel, batches: list, vector: torch.Tensor, h: float = 1e-3
) -> torch.Tensor:
    """H v to fourth order in ``h``, from gradients alone."""
    v = vector * (h / vector.norm())
    near = shifted_gradient(model, batches, v) - shifted_gradient(model, batches, -v)
    far = shifted_gradient(model, batches, 2 * v) - shifted_gradient(model, batches, -2 * v)
    return (8 * near - far) / 12 * (vector.norm() / h)


def forward_over_reverse(
    model: PreTrainedModel, batches: list, vector: torch.Tensor
) -> torch.Tensor:
    """H v by another way through the graph: the derivative of the gradient along v."""
    names = [name for name, _ in model.named_parameters()]
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    sizes = [p.numel() for p in parameters.values()]
    direction = {
        n: v.view_as(parameters[n]) for n, v in zip(names, vector.split(sizes), strict=True)
    }

    def loss(values):
        logits = [
            functional_call(model, values, (x,), {"use_cache": False}).logits for x, _ in batches
        ]
        flat = torch.cat([z.flatten(0, 1) for z in logits])
        return torch.nn.functional.cross_entropy(flat, torch.cat([y.flatten() for _, y in batches]))

    with twice_differentiable(model):
        _, image = jvp(grad(loss), (parameters,), (direction,))
    return torch.cat([image[n].flatten() for n in names])


def gauss_newton(model: PreTrainedModel, batches: list) -> np.ndarray:
    """J^T S J from the Jacobian of the logits itself, shape (n, n)."""
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    total, count = 0.0, sum(y.numel() for _, y in batches)
    with twice_differentiable(model):
        for inputs, _ in batches:

            def logits(values, inputs=inputs):
                return functional_call(model, values, (inputs,), {"use_cache": False}).logits

            z = logits(parameters).flatten(0, 1)  # (tokens, V)
            jacobian = jacrev(logits)(parameters)
            j = torch.cat([part.flatten(0, 1).flatten(2) for part in jacobian.values()], dim=2)
            p = z.softmax(dim=-1)
            s = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
            total = total + torch.einsum("tvi,tvw,twj->ij", j, s, j).detach()
    return (total / count).numpy()


def explicit(product: CurvatureProduct) -> np.ndarray:
    """The matrix, shape (n, n): its columns are products, of which the passes that do not depend
    on the vector are done once for many."""
    eye = torch.eye(product.size, dtype=product.parameters[0].dtype)
    found = torch.vmap(lambda column: sum(product.parts(column)), 1, 1, chunk_size=64)(eye)
    # Done together they are what they are one by one.
    random = torch.Generator().manual_seed(4)
    for vector in torch.randn((3, product.size), generator=random, dtype=eye.dtype):
        torch.testing.assert_close(found @ vector, product(vector))
    return found.numpy()


class Written:
    """A product with a matrix that is written out: of one batch, and quicker than by passes."""

    equal_batches = True

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = torch.from_numpy(matrix)
        self.size, self.device = len(matrix), self._matrix.device

    def __call__(self, vector: torch.Tensor, see=lambda part: None) -> torch.Tensor:
        image = self._matrix @ vector
        see(image)
        return image
