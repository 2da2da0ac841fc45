"""The loss of a model of N parameters after D tokens, and the optimum for a compute budget."""

from dataclasses import astuple, dataclass

import numpy as np

#: Training FLOPs per parameter and token: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1).
FLOPS_PER_PARAMETER_TOKEN = 6.0


@dataclass(frozen=True)
class LossLaw:
    """L(N, D) = E + A / N^alpha + B / D^beta in nats per token (section 11).

    Attributes:
        irreducible_nats: E, the loss at infinite N and D.
        model_coefficient: A.
        data_coefficient: B.
        model_exponent: alpha, of N.
        data_exponent: beta, of D.

    Raises:
        ValueError: a value that is not positive and finite.
    """

    irreducible_nats: float
    model_coefficient: float
    data_coefficient: float
    model_exponent: float
    data_exponent: float

    def __post_init__(self):
        if not all(np.isfinite(value) and value > 0 for value in astuple(self)):
            raise ValueError(f"every parameter of a loss law must be positive and finite: {self}")

    def at(self, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """The loss of ``n`` parameters after ``d`` tokens, in nats per token; shapes broadcast."""
        n, d = np.asarray(n, dtype=np.float64), np.asarray(d, dtype=np.float64)
        return (
            self.irreducible_nats
            + self.model_coefficient * n**-self.model_exponent
            + self.data_coefficient * d**-self.data_exponent
        )

    @property
    def optimal_params_exponent(self) -> float:
        """beta / (alpha + beta): how the compute-optimal N grows with compute C."""
        return self.data_exponent / (self.model_exponent + self.data_exponent)

    @property
    def optimal_tokens_exponent(self) -> float:
        """alpha / (alpha + beta): how the compute-optimal D grows with compute C."""
        return self.model_exponent / (self.model_exponent + self.data_exponent)

    def compute_optimal(self, flops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """N and D of the least loss among all with 6ND = ``flops``, each of its shape.

        At the optimum one percent more parameters gains as much as one percent fewer tokens loses,
        alpha A / N^alpha = beta B / D^beta (section 11; Hoffmann et al. 2022, equation 4).

        Args:
            flops: C, training FLOPs, greater than 0.
        """
        product = np.asarray(flops, dtype=np.float64) / FLOPS_PER_PARAMETER_TOKEN  # N * D
        balance = (self.model_exponent * self.model_coefficient) / (
            self.data_exponent * self.data_coefficient
        )
        tilt = balance ** (1.0 / (self.model_exponent + self.data_exponent))
        return (
            tilt * product**self.optimal_params_exponent,
            product**self.optimal_tokens_exponent / tilt,
        )
