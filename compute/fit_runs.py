"""Training runs measured anywhere: from a file to the law L(N, D) that they follow."""

from pathlib import Path

import numpy as np

from bounds import LossLawFit, UnfittableError, fit_loss_law
from bounds.laws.loss_bootstrap import FEWEST_RESAMPLES
from compute.errors import InputError
from compute.table_file import read_numbers

#: Columns of the file: parameters, training tokens, final loss in nats per token.
COLUMNS = ("N", "D", "loss")


def law_of_file(path: Path, *, resamples: int, seed: int) -> LossLawFit:
    """Fit the runs of a table, one row a run, with columns N, D and loss.

    Raises:
        InputError: the file or a value cannot be used, or the runs cannot identify the law.
    """
    if resamples < FEWEST_RESAMPLES:
        raise InputError(f"--bootstrap must be at least {FEWEST_RESAMPLES}, not {resamples}.")
    if seed < 0:
        raise InputError(f"--seed must not be negative, and it is {seed}.")
    runs = _read(path)
    try:
        return fit_loss_law(*runs, resamples=resamples, seed=seed)
    except UnfittableError as error:
        raise InputError(f"The runs of {path} cannot be fitted: {error}.") from None


def _read(path: Path) -> list[np.ndarray]:
    """N, D and loss, checked."""
    columns = []
    for name, values in read_numbers(path, COLUMNS).items():
        if not values.size:
            raise InputError(f"The file {path} holds no rows.")
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if bad.size:
            raise InputError(
                f"The column '{name}' of {path} holds {values[bad[0]]:g} in row {bad[0] + 1}; "
                "every value must be finite and greater than 0."
            )
        columns.append(values)
    return columns
