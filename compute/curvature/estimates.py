"""From Lanczos runs and trace estimates to the rows of the table `curvature`."""

from collections import defaultdict

import numpy as np

from bounds.spectrum import mean_and_error, negative_part, positive_root, trace_of
from compute.curvature.lanczos import Tridiagonal
from compute.curvature.probe import Probe

#: Quantities of a quadrature are given after every so many steps, to show how they converge.
EVERY_STEPS = 5


def rows(probes: list[Probe], tests: np.ndarray, size: int) -> list[dict]:
    """Every estimate by itself, and the means with their standard errors.

    The first Lanczos step is a Hutchinson sample: for a random sign vector v, v^T A v has mean
    Tr A.

    Args:
        probes: at least two.
        tests: estimates of XTrace, shape (k,).
        size: n, order of the matrix.
    """
    found: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for probe in probes:
        for key, value in _of_probe(probe.tridiagonal, size).items():
            found[key].append(value)
    found["trace", "xtrace", 2] = list(tests)
    out = []
    for (quantity, method, steps), values in found.items():
        if len(values) < 2:  # beyond the end of all Lanczos runs but one
            continue
        fixed = {"quantity": quantity, "method": method, "steps": steps, "dimension": size}
        fixed |= {"probes": len(values)}
        errors = {"standard_error": None, "window_standard_error": None}
        out += [{**fixed, "probe": i, "value": v, **errors} for i, v in enumerate(values)]
        mean, error = mean_and_error(np.array(values))
        errors = {"standard_error": error, "window_standard_error": None}
        if method == "hutchinson":
            errors["window_standard_error"] = _window_error(probes)
        out.append({**fixed, "probe": None, "value": mean, **errors})
    return out


def _of_probe(tridiagonal: Tridiagonal, size: int) -> dict[tuple[str, str, int], float]:
    """(quantity, method, steps) -> estimate."""
    last = tridiagonal.steps
    found = {("trace", "hutchinson", 1): size * float(tridiagonal.diagonal[0])}
    for steps in sorted({*range(EVERY_STEPS, last, EVERY_STEPS), last}):
        nodes, weights = tridiagonal.quadrature(steps)
        for quantity, function in (
            ("trace_sqrt", positive_root),
            ("trace_negative", negative_part),
        ):
            found[quantity, "lanczos", steps] = trace_of(function, nodes, weights, size)
        found["negative_share", "lanczos", steps] = float(weights[nodes < 0].sum())
    return found


def _window_error(probes: list[Probe]) -> float | None:
    """Standard error of the trace over batches of windows, all batches being of one size."""
    forms = np.mean([probe.batch_forms for probe in probes], axis=0)
    return mean_and_error(forms)[1] if len(forms) > 1 else None
