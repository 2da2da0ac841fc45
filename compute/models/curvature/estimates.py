"""From Lanczos runs and trace estimates to the rows of `curvature` and `spectra`."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from bounds.curvature.spectrum import mean_and_error, negative_part, positive_root, trace_of
from compute.models.curvature.lanczos import Tridiagonal
from compute.models.curvature.probe import Probe
from compute.models.curvature.xtrace import XTrace

#: Quantities of a quadrature are reported at multiples of this number of steps.
EVERY_STEPS = 5

#: Function of an array of eigenvalues, of the same shape.
Function = Callable[[np.ndarray], np.ndarray]

#: Functions of the matrix whose traces are estimated.
_FUNCTIONS: dict[str, Function] = {"trace_sqrt": positive_root, "trace_negative": negative_part}

#: (quantity, method, steps) of one estimate.
Key = tuple[str, str, int]


def trace_rows(probes: list[Probe], tests: XTrace, size: int) -> list[dict]:
    """Every single estimate, and the means with their standard errors.

    The first Lanczos step is a Hutchinson sample: for a random sign vector v, v^T A v has mean
    Tr A.

    Args:
        probes: at least two.
        tests: of at least three vectors.
        size: n, order of the matrix.
    """
    found: dict[Key, list[float]] = defaultdict(list)
    steps = max(probe.tridiagonal.steps for probe in probes)
    for probe in probes:
        for key, value in _of_probe(probe.tridiagonal, steps, size).items():
            found[key].append(value)
    out = [row for key, values in found.items() for row in _of_key(key, values, size, probes)]
    of_tests = _of_key(("trace", "xtrace", 2), list(tests.estimates()), size, probes)
    of_tests[-1]["standard_error"] = tests.standard_error()
    return [*out, *of_tests]


def spectrum_rows(probes: list[Probe]) -> list[dict]:
    """Nodes and weights of every probe's Gauss rule."""
    return [
        {
            "probe": index,
            "probes": len(probes),
            "steps": probe.tridiagonal.steps,
            "ritz_value": value,
            "weight": weight,
        }
        for index, probe in enumerate(probes)
        for value, weight in zip(*probe.tridiagonal.gauss(), strict=True)
    ]


def _of_key(key: Key, values: list[float], size: int, probes: list[Probe]) -> list[dict]:
    """A row for each estimate and one for their mean."""
    quantity, method, steps = key
    fixed = {"quantity": quantity, "method": method, "steps": steps, "dimension": size}
    fixed |= {"probes": len(values), "standard_error": None}
    fixed |= {"window_standard_error": None, "quadrature_error": None}
    out = [{**fixed, "probe": index, "value": value} for index, value in enumerate(values)]
    mean, error = mean_and_error(np.array(values))
    summary = {**fixed, "probe": None, "value": mean, "standard_error": error}
    if method == "hutchinson":
        summary["window_standard_error"] = _window_error(probes)
    if method == "radau":
        function = _FUNCTIONS[quantity]
        distances = [_distance(function, probe.tridiagonal, steps, size) for probe in probes]
        summary["quadrature_error"] = float(np.mean(distances))
    return [*out, summary]


def _of_probe(tridiagonal: Tridiagonal, most: int, size: int) -> dict[Key, float]:
    """All estimates of one probe; if its vectors ran out, the last one counts for later steps."""
    found = {("trace", "hutchinson", 1): size * float(tridiagonal.diagonal[0])}
    for steps in sorted({*range(EVERY_STEPS, most, EVERY_STEPS), most}):
        gauss = trace_of(positive_root, *tridiagonal.gauss(steps), size)
        found["trace_sqrt", "gauss", steps] = gauss
        for quantity, function in _FUNCTIONS.items():
            value = trace_of(function, *tridiagonal.radau(steps), size)
            found[quantity, "radau", steps] = value
    return found


def _distance(function: Function, tridiagonal: Tridiagonal, steps: int, size: int) -> float:
    """Distance of the Gauss rules of the last third of the steps from the Radau rule.

    It shows how well the part of the spectrum near 0 is resolved. For the root of a positive
    matrix it is at least the distance from the exact value; otherwise an indication, not a bound.
    """
    radau = trace_of(function, *tridiagonal.radau(steps), size)
    last_third = range(max(1, steps - steps // 3), steps + 1)
    gauss = [trace_of(function, *tridiagonal.gauss(k), size) for k in last_third]
    return float(np.mean(np.abs(np.array(gauss) - radau)))


def _window_error(probes: list[Probe]) -> float | None:
    """Standard error of the trace over batches of windows, which must have equal size."""
    forms = np.mean([probe.batch_forms for probe in probes], axis=0)
    return mean_and_error(forms)[1] if len(forms) > 1 else None
