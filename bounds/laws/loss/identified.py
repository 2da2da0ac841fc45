"""Whether runs can identify L(N, D) at all, and the reason if they cannot (section 11)."""

import numpy as np

from bounds.laws.loss.objective import LossObjective
from bounds.laws.unfittable import UnfittableError

#: Twice the number of parameters; with fewer, resamples often lack the runs that determine one.
FEWEST_RUNS = 10

#: A level, a coefficient and an exponent need three points each along N and along D.
FEWEST_SIZES = 3

#: Least rms scatter of ln N and ln D, and of ln D about its regression on ln N.  Below 10 % the two
#: terms shrink together and can be exchanged: with 0.7 % noise the standard errors of the exponents
#: reach 0.1 and more.
LEAST_SCATTER = 0.1

#: Largest condition number of the Jacobian, columns scaled to length 1.  Runs scattered over
#: decades of N and D have 20 to 30, runs near one ratio some hundreds.
LARGEST_CONDITION = 1000.0

#: A term below a thousandth of every loss disappears in the noise of a run.
LEAST_SHARE = 1e-3

#: An exponent below makes its term a constant, like E; above, a jump at the smallest size.
EXPONENT_RANGE = (0.01, 3.0)

#: The parameters in the order of a point of the objective.
PARAMETERS = (
    "A, the coefficient of N",
    "B, the coefficient of D",
    "E, the irreducible loss",
    "alpha, the exponent of N",
    "beta, the exponent of D",
)


def check_design(n: np.ndarray, d: np.ndarray, *, repeated: bool = False) -> None:
    """Raise UnfittableError if no losses at these N and D, each (runs,), could identify the law.

    ``repeated`` says that rows identical to others were left out.
    """
    if n.size < FEWEST_RUNS:
        once = "; identical rows count once" if repeated else ""
        raise UnfittableError(
            f"the 5 parameters need at least {FEWEST_RUNS} runs, not {n.size}{once}"
        )
    for name, values in (("N", n), ("D", d)):
        distinct = np.unique(values).size
        if distinct < FEWEST_SIZES:
            raise UnfittableError(
                f"at least {FEWEST_SIZES} distinct values of {name} are needed, not {distinct}"
            )
    for name, values in (("N", n), ("D", d)):
        scatter = np.log(values).std()
        if scatter < LEAST_SCATTER:
            raise UnfittableError(
                f"{name} hardly varies (scatter {scatter:.1%}; at least {LEAST_SCATTER:.0%} is "
                "needed): its exponent cannot be seen"
            )
    x, z = (np.log(values) - np.log(values).mean() for values in (n, d))
    power = (x @ z) / (x @ x)
    scatter = np.sqrt(np.mean((z - power * x) ** 2))
    if scatter < LEAST_SCATTER:
        alone = np.sqrt(np.mean((z - x) ** 2)) < LEAST_SCATTER
        what = (
            f"all runs have nearly one ratio D/N, about {np.exp(np.mean(np.log(d / n))):.3g}"
            if alone
            else f"D is nearly a power of N in all runs, N^{power:.2f}"
        )
        raise UnfittableError(
            f"{what} (scatter {scatter:.1%}; at least {LEAST_SCATTER:.0%} is needed): the "
            "exponents of N and D cannot be told apart"
        )


def at_edge(objective: LossObjective, theta: np.ndarray) -> np.ndarray:
    """Whether parameters have run to values that the data do not determine.

    Args:
        objective: of the runs.
        theta: shape (points, 5).

    Returns:
        Shape (points, 5), True where a term's share of every loss is below ``LEAST_SHARE`` or an
        exponent is outside ``EXPONENT_RANGE``.
    """
    vanished = objective.terms(theta)[1].max(axis=2).T < LEAST_SHARE  # (points, 3)
    low, high = EXPONENT_RANGE
    exponents = theta[:, 3:]
    return np.hstack([vanished, (exponents < low) | (exponents > high)])


def check_optimum(objective: LossObjective, theta: np.ndarray) -> None:
    """Raise UnfittableError if the law at the optimum, theta of shape (5,), is not identified."""
    edge = at_edge(objective, theta[None])[0]
    if edge.any():
        # The exponent of a term that has vanished is irrelevant.
        worst = int(np.flatnonzero(edge)[0])
        reason = (
            f"its term is below {LEAST_SHARE:.1%} of every loss"
            if worst < 3
            else f"the best fit has {theta[worst]:.3g}, outside {EXPONENT_RANGE}"
        )
        raise UnfittableError(f"{PARAMETERS[worst]}, is not identified: {reason}")
    jacobian = objective.jacobian(theta)
    _, singular, directions = np.linalg.svd(
        jacobian / np.linalg.norm(jacobian, axis=0), full_matrices=False
    )
    if singular[0] > LARGEST_CONDITION * singular[-1]:
        share = np.abs(directions[-1])
        names = [name for name, part in zip(PARAMETERS, share, strict=True) if part > 0.4]
        condition = singular[0] / max(singular[-1], 1e-300)
        raise UnfittableError(
            f"{' and '.join(names)} cannot be told apart: a change of one is undone by the "
            f"other{'s' if len(names) > 2 else ''} (condition number {condition:.2g})"
        )


def check_draws(edge: np.ndarray, level: float) -> None:
    """Raise UnfittableError if an interval's end would be at an edge.

    Args:
        edge: shape (resamples, 5), result of ``at_edge`` for every resample.
        level: probability that the intervals aim to cover.
    """
    shares = edge.mean(axis=0)
    worst = int(shares.argmax())
    if shares[worst] > 0.5 * (1.0 - level):
        raise UnfittableError(
            f"{PARAMETERS[worst]}, is not identified: in {shares[worst]:.0%} of the bootstrap's "
            "resamples it runs to the edge of what the data can see"
        )
