"""Fits of y = a + c * N^(-p), many at once: several starts, and many weightings of the data."""

import numpy as np

#: Lower limit of the floor as a share of the smallest value: there it is indistinguishable from
#: no floor.  The upper limit is the smallest value.
_LEAST_SHARE = 1e-5

#: Steeper than any law along a frontier; a fit at this limit follows a single model.
STEEPEST = 4.0

_STARTS = [(share, p) for share in (0.05, 0.5, 0.9) for p in (-1.0, -0.3, 0.2, 0.6, 1.5)]

_ITERATIONS = 150


def huber(residuals: np.ndarray, delta: float) -> np.ndarray:
    """r^2/2 up to ``delta``, from there on linear (Huber 1964)."""
    inner = np.minimum(np.abs(residuals), delta)
    return inner * (np.abs(residuals) - inner / 2)


def fit_floors(
    x: np.ndarray, log_y: np.ndarray, weights: np.ndarray, delta: float
) -> tuple[np.ndarray, np.ndarray]:
    """The best of several starts for equal weights, and the fit to each weighting from there.

    Args:
        x: shape (models,), ln N minus its mean.
        log_y: shape (models,).
        weights: shape (fits, models), how often each model counts.
        delta: where Huber's function of the log residuals turns linear.

    Returns:
        theta, shape (3,): ln of c at the mean size, p, ln a; and the same for each weighting,
        shape (fits, 3).
    """
    starts = []
    for share, p in _STARTS:
        floor = log_y.min() + np.log(share)
        starts.append((np.log(np.exp(log_y.mean()) - np.exp(floor) * 0.9), p, floor))
    found, value = _descend(np.array(starts), x, log_y, np.ones((1, x.size)), delta)
    best = found[np.argmin(value)]
    # A resample may have another kind of optimum: it starts from the best, and from no floor.
    bare = np.array([log_y.mean(), -np.polyfit(x, log_y, 1)[0], log_y.min() + np.log(0.05)])
    both = np.stack([np.broadcast_to(start, (len(weights), 3)) for start in (best, bare)])
    theta, values = _descend(both.reshape(-1, 3), x, log_y, np.tile(weights, (2, 1)), delta)
    values, theta = values.reshape(2, -1), theta.reshape(2, -1, 3)
    chosen = np.where(values[1] < values[0] - 1e-12, 1, 0)
    return best, theta[chosen, np.arange(len(weights))]


def has_floor(theta: np.ndarray, log_y: np.ndarray) -> np.ndarray:
    """Whether ln a has stayed off its lower end, where the floor is none."""
    return theta[..., 2] > log_y.min() + np.log(_LEAST_SHARE) + 1e-6


def at_edge(theta: np.ndarray, log_y: np.ndarray) -> np.ndarray:
    """Whether a fit ran to a limit: to no floor, to a floor at the smallest value, or to the
    steepest power."""
    steep = np.abs(theta[..., 1]) > STEEPEST - 1e-6
    return ~has_floor(theta, log_y) | (theta[..., 2] > log_y.min() - 1e-6) | steep


def _descend(
    theta: np.ndarray, x: np.ndarray, log_y: np.ndarray, weights: np.ndarray, delta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Damped Gauss-Newton on reweighted squares, which majorize Huber's function.

    Args:
        theta: shape (fits, 3), starts.
        weights: shape (fits, models) or (1, models).
    """
    low = np.array([-np.inf, -STEEPEST, log_y.min() + np.log(_LEAST_SHARE)])
    high = np.array([np.inf, STEEPEST, log_y.min()])
    theta = np.clip(theta, low, high)
    weights = np.broadcast_to(weights, (len(theta), x.size))
    damping = np.full(len(theta), 1e-2)
    value = (weights * huber(_residuals(theta, x, log_y)[0], delta)).sum(axis=1)
    live = np.arange(len(theta))  # fits that have not converged
    for _ in range(_ITERATIONS):
        here, w = theta[live], weights[live]
        residuals, jacobian = _residuals(here, x, log_y)
        weighted = (w / np.maximum(np.abs(residuals) / delta, 1.0))[:, None, :] * jacobian
        gram = weighted @ jacobian.transpose(0, 2, 1)  # (live, 3, 3)
        gram[:, range(3), range(3)] *= 1 + damping[live, None]
        gram[:, range(3), range(3)] += 1e-12
        downhill = (weighted @ residuals[:, :, None])[:, :, 0]
        # A parameter that would leave its range stays, and the others step as if it were known.
        held = ((here <= low) & (downhill < 0)) | ((here >= high) & (downhill > 0))
        gram[held[:, :, None] | held[:, None, :]] = 0.0
        gram[:, range(3), range(3)] += held
        step = np.linalg.solve(gram, np.where(held, 0.0, downhill)[:, :, None])[:, :, 0]
        trial = np.clip(here + np.clip(step, -2.0, 2.0), low, high)
        reached = (w * huber(_residuals(trial, x, log_y)[0], delta)).sum(axis=1)
        gain = value[live] - reached
        better = gain > 0
        theta[live[better]], value[live[better]] = trial[better], reached[better]
        damping[live] = np.clip(damping[live] * np.where(better, 0.25, 5.0), 1e-9, None)
        at_rest = np.where(better, gain <= 1e-9 * value[live], damping[live] > 1e6)
        live = live[~at_rest & (value[live] > 1e-20)]
        if not live.size:
            break
    return theta, value


def _residuals(
    theta: np.ndarray, x: np.ndarray, log_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log residuals, shape (fits, models), and the gradient of the fit, (fits, 3, models)."""
    power = theta[:, :1] - theta[:, 1:2] * x
    floor = np.broadcast_to(theta[:, 2:], power.shape)
    total = np.logaddexp(power, floor)
    share = np.exp(power - total)  # of the power in the fit
    return log_y - total, np.stack([share, -x * share, 1 - share], axis=1)
