"""Does the fit of L(N, D) find the optimum, and do its intervals cover what they claim?

``python -m tests.project.bench.laws.loss_law`` prints it; ten minutes and more, so ``make bench``
leaves it out.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass

import numpy as np
from scipy.optimize import minimize

from bounds import LossLaw, LossLawFit, UnfittableError, fit_loss_law
from bounds.laws.loss.bootstrap import Estimate
from bounds.laws.loss.surface import START_GRID
from tests.bounds.laws.loss.independent import DELTA, independent_objective
from tests.bounds.laws.loss.runs import BESIROGLU, isoflop, noisy_losses, scattered

SETS = 200
SMALL_SETS = 100

#: Of scipy's, and as many from the grid of our own starts.
RANDOM_STARTS = 60

#: An optimum is reached when the objective is within this share of the least that anyone found.
REACHED = 1e-6


@dataclass(frozen=True)
class Outcome:
    """One data set: excess over the least objective known, and what the intervals cover.

    ``covered`` and ``relative_width`` are in the order of ``estimates``; the last shares are of
    starts that reached the optimum: ours, scipy's from the plausible range, scipy's from our grid.
    """

    excess: float
    covered: list[bool]
    relative_width: list[float]
    agreed_share: float
    random_share: float
    grid_share: float
    seconds: float


def independent_least(
    rng: np.random.Generator, known: list[LossLaw], n: np.ndarray, d: np.ndarray, loss: np.ndarray
) -> np.ndarray:
    """Objective at the ends of scipy's BFGS: from known laws, near them, and from anywhere."""
    both = independent_objective(n, d, loss)
    middle = np.log(n).mean(), np.log(d).mean()
    starts = []
    for law in known:
        e, a, b = np.log(astuple(law)[:3])
        alpha, beta = law.model_exponent, law.data_exponent
        point = np.array([a - alpha * middle[0], b - beta * middle[1], e, alpha, beta])
        starts += [point, *(point + rng.normal(0, (0.2, 0.2, 0.05, 0.05, 0.05), (10, 5)))]
    low, high = [-4, -4, -1, 0.05, 0.05], [1, 1, np.log(loss.min()), 1.2, 1.2]
    starts += list(rng.uniform(low, high, (RANDOM_STARTS, 5)))
    grid = np.stack([rng.choice(values, RANDOM_STARTS) for values in START_GRID], axis=1)
    grid[:, :2] -= grid[:, 3:] * middle
    starts += list(grid)
    ends = []
    for start in starts:
        found = minimize(both, start, jac=True, method="BFGS", options={"gtol": 1e-9})
        # A second run starts with a fresh estimate of the Hessian, and leaves a false stop.
        again = minimize(both, found.x, jac=True, method="BFGS", options={"gtol": 1e-9})
        ends.append(min(found.fun, again.fun) * DELTA)
    return np.array(ends)


def random_law(rng: np.random.Generator) -> LossLaw:
    """Terms of 0.15 to 0.6 nats at N = 1e9 and at D = 3e10."""
    alpha, beta = rng.uniform(0.25, 0.45, 2)
    model, data = rng.uniform(0.15, 0.6, 2)
    return LossLaw(rng.uniform(1.5, 2.0), model * 1e9**alpha, data * 3e10**beta, alpha, beta)


def draw(rng: np.random.Generator, seed: int, small: bool) -> tuple[LossLaw, list[np.ndarray]]:
    """A law and N, D and loss of runs that follow it: half Besiroglu's law, half of each design."""
    law = BESIROGLU if seed % 2 else random_law(rng)
    runs = int(rng.integers(20, 41) if small else rng.integers(100, 241))
    n, d = (isoflop if seed % 4 < 2 else scattered)(rng, runs)
    return law, [n, d, noisy_losses(rng, law, n, d, rng.uniform(0.005, 0.01))]


def with_truth(fit: LossLawFit, law: LossLaw) -> list[tuple[Estimate, float]]:
    """Every estimate and the number it estimates."""
    truth = (*astuple(law), law.optimal_params_exponent)
    return list(zip(fit.estimates.values(), truth, strict=True))


def outcome(seed: int, small: bool) -> Outcome | None:
    """Draw, fit and search once; None where the fit was refused."""
    rng = np.random.default_rng([seed, small])
    law, runs = draw(rng, seed, small)
    start = time.process_time()
    try:
        fit = fit_loss_law(*runs, seed=seed)
    except UnfittableError as error:
        print(f"refused: {error}", flush=True)
        return None
    seconds = time.process_time() - start
    ends = independent_least(rng, [law, fit.law], *runs)
    least = min(fit.objective, ends.min())
    at_optimum = ends <= least * (1.0 + REACHED)
    pairs = with_truth(fit, law)
    return Outcome(
        fit.objective / least - 1.0,
        [found.low <= value <= found.high for found, value in pairs],
        [(found.high - found.low) / value for found, value in pairs],
        fit.agreed / fit.starts,
        at_optimum[-2 * RANDOM_STARTS : -RANDOM_STARTS].mean(),
        at_optimum[-RANDOM_STARTS:].mean(),
        seconds,
    )


def report(title: str, sets: int, small: bool) -> None:
    """Run one family of data sets and print what came out."""
    with ProcessPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(outcome, range(sets), [small] * sets))
    found = [result for result in results if result is not None]
    reached = sum(result.excess <= REACHED for result in found)
    print(f"{title}: {sets} data sets, {sets - len(found)} refused")
    print(
        f"  optimum reached within {REACHED:g}: {reached} of {len(found)}; largest excess "
        f"{max(result.excess for result in found):.1e}"
    )
    print(
        f"  starts that reached it: ours {np.mean([r.agreed_share for r in found]):.1%} of the "
        f"grid; scipy's BFGS {np.mean([r.grid_share for r in found]):.1%} of {RANDOM_STARTS} "
        f"from the grid, {np.mean([r.random_share for r in found]):.1%} of {RANDOM_STARTS} from "
        "the plausible range"
    )
    seconds = [result.seconds for result in found]
    print(
        f"  seconds of one core per fit with 2000 resamples: mean {np.mean(seconds):.2f}, "
        f"largest {max(seconds):.2f}"
    )
    names = [*LossLaw.__dataclass_fields__, "optimal_params_exponent"]
    covered = np.mean([result.covered for result in found], axis=0)
    width = np.median([result.relative_width for result in found], axis=0)
    for name, share, relative in zip(names, covered, width, strict=True):
        error = np.sqrt(share * (1 - share) / len(found))
        print(
            f"  95% interval of {name:<24} covers {share:6.1%} (s.e. {error:.1%}), "
            f"median width {relative:.1%} of the value",
            flush=True,
        )


def main() -> None:
    """Both families."""
    report("100 to 240 runs", SETS, small=False)
    report("20 to 40 runs", SMALL_SETS, small=True)


if __name__ == "__main__":
    main()
