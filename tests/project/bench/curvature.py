"""Curvature products, and the whole trace of a root, against curvlinops on one thread.

curvlinops differentiates its gradient by ``torch.func.jacrev``, whose forward derivative is wrong
for the weights of LayerNorm; here it gets ``torch.func.grad`` instead, with which it is right.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from bounds.curvature.spectrum import mean_and_error, positive_root, trace_of
from compute.models import language_model
from compute.models.curvature.lanczos import BasisPlace, lanczos
from compute.models.curvature.probe import rademacher
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.suites.ladder.ladder_suite import load_ladder

#: Which model of the preset ``small``, windows of one batch, batches.
MODEL, BATCH_WINDOWS, BATCHES = 2, 4, 2

#: Of the products, of which the median counts; the first, which warms up, does not.
REPEATS = 7

#: Of Lanczos, by default.
PROBES, STEPS = 4, 30


def report() -> None:
    """Print the ratio of the products and that of the traces."""
    spec = load_ladder("small").models[MODEL]
    model = language_model.build(spec).eval()
    rng = np.random.default_rng(0)
    windows = rng.integers(1, 127, (BATCH_WINDOWS * BATCHES, spec.context_length + 1))
    device = torch.device("cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with twice_differentiable(model):
            ours = CurvatureProduct(
                model, lambda: language_model.batches(windows, BATCH_WINDOWS, device), "hessian"
            )
            theirs = _curvlinops(model, list(ours.batches()))
            print(
                f"\nHessian of {spec.model_id} on {ours.tokens:,} tokens, one thread "
                "(curvlinops with jacrev replaced)"
            )
            _report_products(ours, theirs)
            _report_roots(ours, theirs)
    finally:
        torch.set_num_threads(before)


def _report_products(ours: CurvatureProduct, theirs) -> None:
    vector = rademacher(ours.size, 0, 0)
    a, seconds = _median(lambda: ours(vector))
    b, their_seconds = _median(lambda: theirs @ vector)
    print(
        f"  one product: {seconds:.3f} s, curvlinops {their_seconds:.3f} s "
        f"({their_seconds / seconds:.2f} times as fast); relative difference "
        f"{((a - b).norm() / b.norm()).item():.1e}"
    )


def _report_roots(ours: CurvatureProduct, theirs) -> None:
    from curvlinops.papyan2020traces.spectrum import fast_lanczos

    start = time.perf_counter()
    place = BasisPlace("cpu")
    runs = [lanczos(ours, rademacher(ours.size, 0, i), STEPS, place) for i in range(PROBES)]
    roots = [trace_of(positive_root, *run.radau(), ours.size) for run in runs]
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    their_roots = []
    for _ in range(PROBES):
        nodes, vectors = fast_lanczos(theirs, STEPS)
        weights = (vectors[0] ** 2).double().numpy()
        their_roots.append(trace_of(positive_root, nodes.double().numpy(), weights, ours.size))
    their_seconds = time.perf_counter() - start
    (mean, error), (their_mean, their_error) = map(mean_and_error, (roots, their_roots))
    ratio = their_seconds * (their_error / their_mean) ** 2 / (seconds * (error / mean) ** 2)
    print(
        f"  Tr(sqrt(H)), {PROBES} vectors, {STEPS} steps: {mean:.1f} +- {error:.1f} in "
        f"{seconds:.1f} s (all vectors kept orthogonal, node at 0); with curvlinops' products and "
        f"Lanczos {their_mean:.1f} +- {their_error:.1f} in {their_seconds:.1f} s; at equal "
        f"relative standard error {ratio:.1f} times as fast"
    )


def _median(call: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - start)
    return found, statistics.median(seconds[1:])


class _Logits(nn.Module):
    """The model with one row per prediction, as curvlinops wants it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.model(inputs, use_cache=False).logits.flatten(0, 1)


def _curvlinops(model: nn.Module, batches: list):
    import curvlinops.hessian

    curvlinops.hessian.jacrev = torch.func.grad
    data = [(inputs, targets.flatten()) for inputs, targets in batches]
    whole = _Logits(model)
    return curvlinops.HessianLinearOperator(
        whole,
        nn.CrossEntropyLoss(),
        list(whole.parameters()),
        data,
        check_deterministic=False,
        num_data=sum(targets.numel() for _, targets in data),
        batch_size_fn=lambda inputs: inputs.numel(),
    )


if __name__ == "__main__":
    report()
