"""Training runs drawn from a known law, for tests and the bench."""

import numpy as np

from bounds import LossLaw

#: True optimum of the objective of Besiroglu et al. 2024 on their reconstruction of Chinchilla's
#: runs (docs/THEORY.md, section 11).
BESIROGLU = LossLaw(1.817218, 477.826, 2143.417, 0.347310, 0.367172)

#: Hoffmann et al. 2022, approach 3, as published.
HOFFMANN = LossLaw(1.69, 406.4, 410.7, 0.34, 0.28)

N_RANGE = (4e7, 1.6e10)
D_RANGE = (1e9, 1e12)


def scattered(rng: np.random.Generator, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """N and D independent of each other, log-uniform over the ranges."""
    n, d = (np.exp(rng.uniform(*np.log(ends), runs)) for ends in (N_RANGE, D_RANGE))
    return n, d


def isoflop(rng: np.random.Generator, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Nine compute budgets, each spent on models within a factor of 4 of the optimum of its 6ND."""
    flops = rng.choice(np.geomspace(6e18, 3e21, 9), runs)
    n = np.sqrt(flops / 120.0) * np.exp(rng.uniform(-np.log(4), np.log(4), runs))
    return n, flops / (6.0 * n)


def noisy_losses(
    rng: np.random.Generator, law: LossLaw, n: np.ndarray, d: np.ndarray, scale: float
) -> np.ndarray:
    """The law's losses times exp(noise): Student's t with 4 degrees of freedom, rms ``scale``."""
    return law.at(n, d) * np.exp(scale * rng.standard_t(4, n.size) / np.sqrt(2.0))


def drawn(seed=0, runs=60, law=BESIROGLU, design=scattered, scale=0.007):
    """N, D and loss, each (runs,)."""
    rng = np.random.default_rng(seed)
    n, d = design(rng, runs)
    return n, d, noisy_losses(rng, law, n, d, scale)
