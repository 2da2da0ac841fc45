"""Speed of the bounds: the search for Sigma, and every form for ten models."""

import time
from collections.abc import Callable

import numpy as np

from bounds import (
    FORMS,
    TokenLosses,
    bin_losses,
    loss_range_nats,
    loss_variation,
    s_grid,
    smoothed,
    smoothing_weight,
)
from bounds.forms.shared.martingale import variation_at
from bounds.losses.histogram import _coarsened

TOKENS = 100_000
MODELS = 10


def _losses(seed: int, tokens: int) -> TokenLosses:
    rng = np.random.default_rng(seed)
    entropy = np.clip(rng.gamma(2.0, 0.7, tokens), 0, np.log(256))
    return TokenLosses.of_tokens(rng.exponential(entropy + 0.02), entropy)


def _best_seconds(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def report() -> None:
    """Print the two measurements."""
    tokens = _losses(0, TOKENS)
    print(f"Sigma on {TOKENS:,} tokens, |K| = 1000, best of 3:")
    for c in (0.001, 0.14):
        alpha = smoothing_weight(c)
        delta, mixed = loss_range_nats(alpha, 256), smoothed(tokens, alpha, 256)

        def search(mixed=mixed, delta=delta, c=c) -> float:
            return loss_variation(mixed, delta, c).sigma_nats

        def brute_force(mixed=mixed, delta=delta, c=c) -> float:
            return min(variation_at(s, mixed, delta, c) for s in s_grid())

        fast, slow = _best_seconds(search, 3), _best_seconds(brute_force, 3)
        print(
            f"  C = {c:<6} search {1e3 * fast:7.1f} ms   every point {1e3 * slow:7.1f} ms   "
            f"ratio {slow / fast:5.0f}   difference {abs(search() - brute_force()):.1e}"
        )
    histograms = [bin_losses(_losses(seed, 1_000_000)) for seed in range(MODELS)]
    cells = sum(len(h.tokens) for h in histograms) / MODELS

    def every_form() -> None:
        _coarsened.clear()  # as for a bitrate that is looked at for the first time
        for losses in histograms:
            for form in FORMS.values():
                form(
                    1.3,
                    losses,
                    code_bits=0.2 * 1_000_000,
                    train_tokens=1_000_000,
                    vocab_size=256,
                    failure_probability=0.05,
                )

    seconds = _best_seconds(every_form, 5)
    print(
        f"All {len(FORMS)} forms for {MODELS} histograms of {cells:,.0f} cells on average, choices "
        f"included, best of 5: {1e3 * seconds:.0f} ms"
    )
