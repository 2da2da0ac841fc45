"""Agreement of a prediction that is correct up to one factor with measurements."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """A prediction times one fitted constant, against measurements.

    Attributes:
        constant: factor that makes the mean of ln(measured / (constant * predicted)) 0.
        r_squared: share of the variance of ln measured that the scaled prediction explains; below
            0 where the mean of ln measured would do better.
        within_r_squared: the same after subtracting the mean of each group from both logarithms:
            what the prediction explains beyond the group.
        log_residual_rms: root mean square of ln(measured / (constant * predicted)).
    """

    constant: float
    r_squared: float
    within_r_squared: float
    log_residual_rms: float


def agreement(predicted: np.ndarray, measured: np.ndarray, groups: np.ndarray) -> Agreement:
    """Fit the constant by least squares of logarithms.

    Args:
        predicted, measured: shape (k,), k >= 3, greater than 0.
        groups: shape (k,), known groups, such as the number of bits.

    Raises:
        ValueError: fewer than three pairs, a value that is not positive and finite, or
            measurements that are all equal, so that there is no variance to explain.
    """
    predicted, measured = (np.asarray(v, dtype=np.float64) for v in (predicted, measured))
    if predicted.shape != measured.shape or predicted.ndim != 1 or predicted.size < 3:
        raise ValueError(f"at least 3 pairs are needed, not {predicted.shape} and {measured.shape}")
    for values in (predicted, measured):
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            raise ValueError(f"only positive values can be compared, not {values[bad][0]:.3g}")
    ratio, log_measured = np.log(measured / predicted), np.log(measured)
    spread = ((log_measured - log_measured.mean()) ** 2).sum()
    if spread == 0.0:
        raise ValueError("the measurements are all equal")
    residuals = ratio - ratio.mean()
    _, owner = np.unique(np.asarray(groups), return_inverse=True)
    inside, beyond = (
        values - (np.bincount(owner, values) / np.bincount(owner))[owner]
        for values in (log_measured, ratio)
    )
    left = (inside**2).sum()
    return Agreement(
        constant=float(np.exp(ratio.mean())),
        r_squared=float(1.0 - (residuals**2).sum() / spread),
        within_r_squared=float(1.0 - (beyond**2).sum() / left) if left > 0 else np.nan,
        log_residual_rms=float(np.sqrt((residuals**2).mean())),
    )
