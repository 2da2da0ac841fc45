"""The learning-rate sweep of a suite: its own, or that of the suite with its name and a suffix."""

from pathlib import Path

import pandas as pd

from bounds import UnfittableError
from bounds.laws.learning_rate import BestRate, RateRule, best_rate, fit_rate_rule
from dashboard.analysis.laws.fits import Unfitted
from dashboard.artifacts.files import checked_metadata
from dashboard.style.glossary import parameter_count

_TABLE = "learning_rates"

#: Suffix of a suite that holds the sweep of another.
SWEEP_OF = "{}-sweep"


def read_sweep(data_dir: Path, suite: str) -> tuple[str, pd.DataFrame] | None:
    """Name of the suite that holds the sweep, and its rows by size and rate; None without one.

    Raises:
        ArtifactError: a file is damaged, foreign, or lacks a column.
    """
    for name in (suite, SWEEP_OF.format(suite)):
        files = sorted((data_dir / name / _TABLE).glob("*.parquet"))
        if files:
            for file in files:
                checked_metadata(file, _TABLE, data_dir)
            rows = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
            order = ["params_total", "train_tokens", "batch_windows", "learning_rate", "seed"]
            return name, rows.sort_values(order, ignore_index=True)
    return None


def by_rate(sweep: pd.DataFrame) -> pd.DataFrame:
    """One row per size and rate: params_total, label, learning_rate, seeds, loss_nats, low, high.

    The loss is the mean over seeds; NaN if one of them diverged. Low and high are of the seeds, or
    for one seed two standard errors over windows each way.
    """
    rows = []
    for (params, rate), group in sweep.groupby(["params_total", "learning_rate"]):
        loss, error = group["fresh_loss_nats"], group["fresh_loss_se_nats"]
        whole = loss.notna().all()
        if len(group) > 1:
            ends = (loss.min(), loss.max())
        else:
            ends = (loss.iloc[0] - 2 * error.iloc[0], loss.iloc[0] + 2 * error.iloc[0])
        low, high = ends if whole else (float("nan"),) * 2
        mean = loss.mean() if whole else float("nan")
        label = parameter_count(params)
        rows.append((int(params), label, float(rate), len(group), mean, low, high))
    columns = ["params_total", "label", "learning_rate", "seeds", "loss_nats", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def optima(rates: pd.DataFrame) -> dict[int, BestRate | Unfitted]:
    """Best rate of every size, or why there is none.

    Args:
        rates: from ``by_rate``.
    """
    found: dict[int, BestRate | Unfitted] = {}
    for params, group in rates.groupby("params_total"):
        try:
            found[int(params)] = best_rate(group["learning_rate"], group["loss_nats"])
        except UnfittableError as reason:
            found[int(params)] = Unfitted(str(reason), "best rate")
    return found


def rule(best: dict[int, BestRate | Unfitted]) -> RateRule | Unfitted:
    """The rule through the sizes whose minimum was bracketed, or why there is none."""
    known = {n: b.rate for n, b in best.items() if isinstance(b, BestRate) and b.bracketed}
    try:
        return fit_rate_rule(list(known), list(known.values()))
    except UnfittableError as reason:
        return Unfitted(str(reason), "rule")
