"""At which steps a model is kept while it is trained."""

import math

#: Shares of the training after which curvature is measured, to the nearest step.
FRACTIONS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)

#: Pythia's spacing: 0, then powers of two up to the first of these, then every multiple of the
#: second (Biderman et al. 2023, section 2).
_LAST_POWER, _INTERVAL = 512, 1000


def step_at(fraction: float, steps: int) -> int:
    """The step nearest to a share of ``steps``, but not the initial weights."""
    return max(1, round(fraction * steps))


def pythia_steps(steps: int) -> list[int]:
    """Steps before the last at which a Pythia model of so many steps would have been saved."""
    powers = [2**k for k in range(_LAST_POWER.bit_length())]
    kept = [0, *powers, *range(_INTERVAL, steps, _INTERVAL)]
    return [step for step in kept if step < steps]


def kept_steps(steps: int) -> list[int]:
    """Every step before the last at which the ladder keeps a model, rising."""
    return sorted({*pythia_steps(steps), *(step_at(f, steps) for f in FRACTIONS)})


def nearest_saved_step(wanted: float, steps: int) -> int:
    """The step nearest to ``wanted`` on a logarithmic scale at which a Pythia model of so many
    steps was saved, its last one included but not its first weights."""
    saved = [*pythia_steps(steps)[1:], steps]
    return min(saved, key=lambda step: abs(math.log(step / wanted)))
