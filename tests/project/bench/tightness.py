"""How far each form lies above the true risk on sources where that is known."""

import numpy as np

from tests.bounds.forms.test_truth import FORMS
from tests.bounds.markov import heavy_tailed_source, mild_source, noisy_copies

RUNS, LENGTHS, DELTA, CODE_BITS = 200, (60, 2000, 50_000), 0.05, 1.0


def report() -> None:
    """Print mean (bound - true risk) in nats per token, and how often the bound failed."""
    print(
        f"Bound less true risk, nats per token (share of {RUNS} runs below the risk), "
        f"delta = {DELTA}:"
    )
    for source_name, source in (("mild", mild_source()), ("heavy-tailed", heavy_tailed_source())):
        for length in LENGTHS:
            rng = np.random.default_rng(0)
            (model,) = noisy_copies(source, 1, 0.5, rng)
            runs = source.counts(RUNS, length, rng)
            print(f"  {source_name} source, {length:,} tokens")
            for name, form in FORMS.items():
                slacks = []
                for counts in runs:
                    bound = form(
                        1.0,
                        model.token_losses(counts),
                        code_bits=CODE_BITS,
                        train_tokens=length,
                        vocab_size=4,
                        failure_probability=DELTA,
                    )
                    risk = model.true_risk(counts, source, bound.alpha)
                    slacks.append(bound.total_nats - risk)
                failed = np.mean(np.array(slacks) < 0)
                print(f"    {name:<20} {np.mean(slacks):7.4f}  ({failed:.3f})")
