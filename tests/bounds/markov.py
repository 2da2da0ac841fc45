"""Sources whose conditional distributions are known, so that the true risk is too.

A Markov chain over a small alphabet: the loss of a model that looks at one symbol depends on the
transition alone, so the counts of transitions are all that any bound needs, and thousands of runs
cost little.
"""

from dataclasses import dataclass

import numpy as np

from bounds import TokenLosses


@dataclass(frozen=True)
class MarkovSource:
    """P(next | previous), shape (V, V), rows sum to 1."""

    transitions: np.ndarray

    def counts(self, runs: int, length: int, rng: np.random.Generator) -> np.ndarray:
        """Transitions seen in each run, shape (runs, V, V), from a uniform first symbol."""
        vocab = len(self.transitions)
        cumulative = self.transitions.cumsum(axis=1)
        state = rng.integers(vocab, size=runs)
        counts = np.zeros((runs, vocab, vocab))
        every_run = np.arange(runs)
        for _ in range(length):
            draws = rng.random(runs)[:, None]
            following = np.minimum((draws > cumulative[state]).sum(axis=1), vocab - 1)
            counts[every_run, state, following] += 1
            state = following
        return counts


@dataclass(frozen=True)
class Model:
    """Q(next | previous), shape (V, V): predicts from the previous symbol."""

    predictions: np.ndarray

    @property
    def losses(self) -> np.ndarray:
        """-ln Q, shape (V, V)."""
        return -np.log(self.predictions)

    @property
    def entropies(self) -> np.ndarray:
        """Entropy of each prediction, repeated along the next symbol, shape (V, V)."""
        entropy = -(self.predictions * np.log(self.predictions)).sum(axis=1, keepdims=True)
        return np.broadcast_to(entropy, self.predictions.shape)

    def token_losses(self, counts: np.ndarray) -> TokenLosses:
        """Losses of one run from its transition counts, shape (V, V)."""
        seen = counts > 0
        return TokenLosses(self.losses[seen], self.entropies[seen], counts[seen])

    def true_risk(self, counts: np.ndarray, source: MarkovSource, alpha: float) -> float:
        """Mean over the run's contexts of the expected smoothed loss of a fresh next symbol."""
        vocab = len(self.predictions)
        mixed = -np.log((1 - alpha) * self.predictions + alpha / vocab)
        expected = (source.transitions * mixed).sum(axis=1)  # (V,), by context
        visits = counts.sum(axis=1)
        return float(visits @ expected / visits.sum())


def noisy_copies(
    source: MarkovSource, count: int, noise: float, rng: np.random.Generator
) -> list[Model]:
    """Models that know the source up to noise of this size on its log probabilities."""
    noisy = np.log(source.transitions) + noise * rng.normal(size=(count, *source.transitions.shape))
    predictions = np.exp(noisy)
    return [Model(p / p.sum(axis=1, keepdims=True)) for p in predictions]


def mild_source() -> MarkovSource:
    """Every symbol follows every other with a fair chance."""
    return MarkovSource(np.random.default_rng(11).dirichlet(np.full(4, 2.0), size=4))


def heavy_tailed_source() -> MarkovSource:
    """Nearly deterministic, with rare symbols that cost a lot when they come."""
    transitions = np.full((4, 4), 0.004)
    for state in range(4):
        transitions[state, (state + 1) % 4] = 1 - 3 * 0.004
    return MarkovSource(transitions)
