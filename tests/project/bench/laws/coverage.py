"""How often the 95 % intervals of L(N, D) cover, on more data sets than the search can be run on.

``python -m tests.project.bench.laws.coverage`` prints it after six minutes.
"""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from bounds import LossLaw, fit_loss_law
from tests.project.bench.laws.loss_law import draw, with_truth

SETS = 1000

#: Data sets of ``loss_law`` have the seeds below.
FIRST_SEED = 10_000


def covered(seed: int) -> list[bool]:
    """Draw and fit once."""
    rng = np.random.default_rng([seed, 0])
    law, runs = draw(rng, seed, small=False)
    fit = fit_loss_law(*runs, resamples=1000, seed=seed)
    return [found.low <= value <= found.high for found, value in with_truth(fit, law)]


def main() -> None:
    """Coverage per parameter, of all sets and of each design."""
    seeds = np.arange(FIRST_SEED, FIRST_SEED + SETS)
    with ProcessPoolExecutor(max_workers=2) as pool:
        found = np.array(list(pool.map(covered, seeds.tolist(), chunksize=10)))
    designs = {
        "all": seeds >= 0,
        "isoFLOP budgets": seeds % 4 < 2,
        "N and D scattered": seeds % 4 >= 2,
    }
    print(f"95% intervals from 1000 resamples, {SETS} data sets of 100 to 240 runs:")
    print(f"{'':26}" + "".join(f"{name:>20}" for name in designs))
    for k, name in enumerate((*LossLaw.__dataclass_fields__, "optimal_params_exponent")):
        shares = [found[chosen, k].mean() for chosen in designs.values()]
        print(f"{name:26}" + "".join(f"{share:20.1%}" for share in shares))
    errors = [np.sqrt(0.05 * 0.95 / chosen.sum()) for chosen in designs.values()]
    print(f"{'s.e. of a share of 95%':26}" + "".join(f"{error:20.1%}" for error in errors))


if __name__ == "__main__":
    main()
