"""Estimates of traces against all eigenvalues of a trained model of 4,984 parameters.

    python -m tests.project.bench.exact_spectrum

Not part of ``make bench``: writing both matrices out takes minutes.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from bounds.curvature.spectrum import mean_and_error, positive_root, trace_of
from compute.models import language_model
from compute.models.curvature.lanczos import BasisPlace, Tridiagonal, lanczos
from compute.models.curvature.probe import rademacher
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.curvature.xtrace import xtrace
from compute.models.training import training
from compute.session.opening import open_session
from compute.session.request import Request

#: Training windows of 64 tokens, random vectors, and numbers of Lanczos steps.
WINDOWS, PROBES, STEPS = 32, 6, (15, 29, 30, 31, 60, 100)

#: Runs of XTrace, and test vectors of each.
TRIALS, TESTS = 200, 4


def main() -> None:
    """Train, write out, estimate, print."""
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(Request("tiny", None, Path(folder), Path(folder), device="cpu"))
        spec = session.ladder.models[0]
        windows = np.array(session.workspace.windows.open().training[: spec.train_windows])
    cpu = torch.device("cpu")
    model = language_model.build(spec)
    training.train(model, spec, windows, cpu, lambda tokens: None)
    for matrix in ("hessian", "gauss_newton"):
        with twice_differentiable(model):
            product = CurvatureProduct(
                model, lambda: language_model.batches(windows[:WINDOWS], WINDOWS, cpu), matrix
            )
            columns = [product(column) for column in torch.eye(product.size)]
        _report(matrix, torch.stack(columns, dim=1).double())


def _report(name: str, written: torch.Tensor) -> None:
    matrix = (written + written.T) / 2
    n = len(matrix)
    eigenvalues = torch.linalg.eigvalsh(matrix).numpy()
    trace, root = eigenvalues.sum(), positive_root(eigenvalues).sum()
    print(f"{name}, n = {n}: Tr = {trace:.2f}, Tr sqrt = {root:.2f}")
    place = BasisPlace("cpu", torch.float64)
    runs = [
        lanczos(lambda v: matrix @ v, rademacher(n, 14, i).double(), max(STEPS), place)
        for i in range(PROBES)
    ]
    for steps in STEPS:
        gauss, radau = (
            mean_and_error(
                np.array([trace_of(positive_root, *rule(run, steps), n) for run in runs])
            )
            for rule in (Tridiagonal.gauss, Tridiagonal.radau)
        )
        print(
            f"  {steps} steps: Gauss {gauss[0]:.1f} +- {gauss[1]:.1f}, "
            f"with a node at 0 {radau[0]:.1f} +- {radau[1]:.1f}"
        )
    errors, spreads, jackknives = [], [], []
    for trial in range(TRIALS):
        tests = torch.stack([rademacher(n, 1000 + trial, i).double() for i in range(TESTS)], dim=1)
        found = xtrace(lambda v: matrix @ v, tests.T, "cpu")
        mean, spread = mean_and_error(found.estimates())
        errors.append(abs(mean - trace))
        spreads.append(spread)
        jackknives.append(found.standard_error())
    covered = [np.mean(np.array(errors) < 2 * np.array(s)) for s in (spreads, jackknives)]
    print(
        f"  XTrace with {TESTS} vectors, {TRIALS} trials: within two errors by spread "
        f"{covered[0]:.0%}, by jackknife {covered[1]:.0%}"
    )


if __name__ == "__main__":
    main()
