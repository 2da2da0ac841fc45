"""The objective that fits L(N, D), its gradient and its Hessian, for many points at once."""

from dataclasses import dataclass

import numpy as np

#: Residuals of ln(loss) beyond this count linearly (Hoffmann et al. 2022, approach 3): far below
#: the scatter of real runs, so that the fit is close to least absolute deviations.
HUBER_DELTA = 1e-3


@dataclass(frozen=True)
class LossObjective:
    """Sum over runs of w * Huber(ln L - LSE(a - alpha*ln N, b - beta*ln D, e)) (section 11).

    A point is theta = (a', b', e, alpha, beta), where a' = a - alpha * (mean of ln N) is the
    logarithm of the model term at the middle of the runs, and b' likewise.  At the
    middle, a term's size and its exponent are nearly uncorrelated; at N = 1, to which a
    refers, they are nearly collinear, and Newton's systems lose digits.

    Attributes:
        log_n, log_d: shape (runs,), ln N and ln D minus their means.
        log_loss: shape (runs,), logarithm of the loss in nats per token.
        middle: the two means.
    """

    log_n: np.ndarray
    log_d: np.ndarray
    log_loss: np.ndarray
    middle: tuple[float, float]

    @classmethod
    def of_runs(cls, n: np.ndarray, d: np.ndarray, loss: np.ndarray) -> "LossObjective":
        """From N, D and the loss in nats per token, each (runs,) and greater than 0."""
        log_n, log_d = np.log(n), np.log(d)
        middle = float(log_n.mean()), float(log_d.mean())
        return cls(log_n - middle[0], log_d - middle[1], np.log(loss), middle)

    def centred(self, points: np.ndarray) -> np.ndarray:
        """(a, b, e, alpha, beta) to theta, both (points, 5)."""
        theta = np.array(points, dtype=np.float64)
        theta[:, :2] -= theta[:, 3:] * self.middle
        return theta

    def uncentred(self, theta: np.ndarray) -> np.ndarray:
        """Theta to (a, b, e, alpha, beta), both (points, 5)."""
        points = np.array(theta, dtype=np.float64)
        points[:, :2] += points[:, 3:] * self.middle
        return points

    def terms(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals of ln L, (points, runs), and the terms' shares of the predicted loss.

        Args:
            theta: shape (points, 5).

        Returns:
            The residuals, and for the model term, the data term and E (3, points, runs) shares
            that add up to 1.
        """
        a, b, e, alpha, beta = theta.T[:, :, None]
        logs = np.empty((3, len(theta), self.log_n.size))
        np.subtract(a, alpha * self.log_n, out=logs[0])
        np.subtract(b, beta * self.log_d, out=logs[1])
        logs[2] = e
        largest = logs.max(axis=0)
        shares = np.exp(logs - largest)
        total = shares.sum(axis=0)
        return self.log_loss - largest - np.log(total), shares / total

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """Derivatives of the predicted ln L by theta, shape (5,): an array (runs, 5)."""
        model, data, rest = self.terms(theta[None])[1][:, 0]
        return np.stack([model, data, rest, -model * self.log_n, -data * self.log_d], axis=1)

    def value(self, theta: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
        """The objective, shape (points,).

        Args:
            theta: shape (points, 5).
            weights: shape (runs,) or (points, runs), how often each run counts.
            delta: residual from which Huber's function is linear.
        """
        return _huber(self.terms(theta)[0], weights, delta)

    def derivatives(
        self, theta: np.ndarray, weights: np.ndarray, delta: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Value (points,), gradient (points, 5), Hessian and majorant, both (points, 5, 5).

        With shares p_k, v_k the gradient of the logarithm of term k, and J the sum of p_k v_k,
        LSE has gradient J and Hessian (sum of p_k v_k v_k') - J J'.  So Huber's h of the residual
        has gradient -h' J and Hessian (h'' + h') J J' - h' (sum of p_k v_k v_k').

        The majorant is the sum of w J J' / max(1, |r| / delta).  Instead of the first term it
        has the parabola that touches h at r and is above it elsewhere; it is never indefinite.

        Args: as of ``value``.
        """
        residuals, shares = self.terms(theta)
        size = np.abs(residuals)
        slope = weights * np.clip(residuals, -delta, delta)
        inside = weights * (size <= delta)
        return (
            _huber(residuals, weights, delta),
            -self._sum_of_gradients(slope * shares),
            self._gram(inside + slope, shares) - self._sum_of_squares(slope * shares),
            self._gram(weights / np.maximum(size / delta, 1.0), shares),
        )

    def _sum_of_gradients(self, factors: np.ndarray) -> np.ndarray:
        """Sum over k and runs of factors_k v_k: (3, points, runs) -> (points, 5)."""
        model, data, rest = factors
        return np.stack(
            [model.sum(1), data.sum(1), rest.sum(1), -model @ self.log_n, -data @ self.log_d], 1
        )

    def _sum_of_squares(self, factors: np.ndarray) -> np.ndarray:
        """Sum over k and runs of factors_k v_k v_k': (3, points, runs) -> (points, 5, 5)."""
        out = np.zeros((factors.shape[1], 5, 5))
        for k, place in ((0, self.log_n), (1, self.log_d)):
            out[:, k, k] = factors[k].sum(axis=1)
            out[:, k, k + 3] = out[:, k + 3, k] = -factors[k] @ place
            out[:, k + 3, k + 3] = factors[k] @ place**2
        out[:, 2, 2] = factors[2].sum(axis=1)
        return out

    def _gram(self, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Sum over runs of weights J J': (points, runs) and the shares -> (points, 5, 5)."""
        x, z = self.log_n, self.log_d
        out = self._sum_of_squares(weights * shares**2)
        model_data, data_rest, rest_model = weights * shares * np.roll(shares, -1, axis=0)
        mixed = {
            (0, 1): model_data.sum(1),
            (0, 4): -model_data @ z,
            (1, 3): -model_data @ x,
            (3, 4): model_data @ (x * z),
            (1, 2): data_rest.sum(1),
            (2, 4): -data_rest @ z,
            (0, 2): rest_model.sum(1),
            (2, 3): -rest_model @ x,
        }
        for (row, column), value in mixed.items():
            out[:, row, column] = out[:, column, row] = value
        return out


def _huber(residuals: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
    """Sum over the last axis of w times r^2 / 2 up to delta, delta * (|r| - delta / 2) beyond."""
    size = np.abs(residuals)
    inner = np.minimum(size, delta)
    return (weights * inner * (size - 0.5 * inner)).sum(axis=-1)
