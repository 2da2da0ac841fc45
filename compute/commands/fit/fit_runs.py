"""Training runs measured anywhere: from a file to their law L(N, D)."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bounds import LossLawFit, UnfittableError, fit_loss_law
from bounds.laws.loss.bootstrap import FEWEST_RESAMPLES
from compute.base.errors import InputError
from compute.commands.table_file import read_numbers

#: Columns of the file: parameters, training tokens, final loss in nats per token.
COLUMNS = ("N", "D", "loss")

#: Columns that can name a run; the first one in the file is used.
NAMES = ("name", "run", "run_id", "model", "model_id", "id")


@dataclass(frozen=True)
class FittedRuns:
    """The runs of a file and their law.

    Attributes:
        n, d, loss: shape (rows,), as the file has them.
        names: label of each row, such as "row 3 (pythia-70m)".
        fit: to all runs.
        without: the fit without the runs far off the law; None if there are none, or if the
            others cannot be fitted.
        why_not: the reason in that case.
    """

    n: np.ndarray
    d: np.ndarray
    loss: np.ndarray
    names: list[str]
    fit: LossLawFit
    without: LossLawFit | None = None
    why_not: str | None = None


def law_of_file(path: Path, *, resamples: int, seed: int) -> FittedRuns:
    """Fit the runs of a table, one row a run, with columns N, D and loss.

    Raises:
        InputError: the file or a value cannot be used, or the runs cannot identify the law.
    """
    if resamples < FEWEST_RESAMPLES:
        raise InputError(f"--bootstrap must be at least {FEWEST_RESAMPLES}, not {resamples}.")
    if seed < 0:
        raise InputError(f"--seed must not be negative, and it is {seed}.")
    runs, names = _read(path)
    try:
        fit = fit_loss_law(*runs, resamples=resamples, seed=seed)
    except UnfittableError as error:
        raise InputError(f"The runs of {path} cannot be fitted: {error}.") from None
    found = FittedRuns(*runs, names, fit)
    if not fit.far_off:
        return found
    kept = ~np.isin(_run_of_row(fit, runs[0].size), [run.row for run in fit.far_off])
    try:
        without = fit_loss_law(*(column[kept] for column in runs), resamples=resamples, seed=seed)
    except UnfittableError as error:
        return replace(found, why_not=str(error))
    return replace(found, without=without)


def _run_of_row(fit: LossLawFit, rows: int) -> np.ndarray:
    """The first row with the same run, for every row."""
    first = np.arange(rows)
    for row, earlier in fit.repeated:
        first[row] = earlier
    return first


def _read(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """N, D and loss, checked, and the label of each row."""
    numbers, labels = read_numbers(path, COLUMNS, NAMES)
    columns = []
    for name, values in numbers.items():
        if not values.size:
            raise InputError(f"The file {path} has no rows.")
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if bad.size:
            raise InputError(
                f"The column '{name}' of {path} holds {values[bad[0]]:g} in row {bad[0] + 1}; "
                "every value must be finite and greater than 0."
            )
        columns.append(values)
    rows = [f"row {number + 1}" for number in range(columns[0].size)]
    if labels is not None:
        rows = [f"{row} ({label})" for row, label in zip(rows, labels, strict=True)]
    return columns, rows
