"""Reasons to doubt a fit of training runs, each in one sentence."""

import math

from compute.commands.fit.fit_runs import FittedRuns

#: More of a kind are counted, not named.
MOST_NAMED = 8

#: Loss of a uniform guess over so many tokens: 13.8 nats; no tokenizer has more.
LARGEST_VOCABULARY = 1_000_000

#: Loss of unigram frequencies: no trained model of any size has more.
HIGH_LOSS_NATS = 5.0


def warnings_of(found: FittedRuns) -> list[str]:
    """The sentences, most serious first; none for runs that give no reason."""
    kinds = (_perplexities, _irreducible, _far_off, _repeated)
    return [sentence for kind in kinds if (sentence := kind(found))]


def _perplexities(found: FittedRuns) -> str | None:
    least, most = float(found.loss.min()), float(found.loss.max())
    guess = math.log(LARGEST_VOCABULARY)
    if most > guess:
        return (
            f"Losses up to {most:.3g} look like perplexities: a uniform guess among a million "
            f"tokens loses {guess:.1f} nats. If they are, give their natural logarithm."
        )
    if least > HIGH_LOSS_NATS:
        return (
            f"All losses are {least:.3g} or more and may be perplexities: no trained "
            f"model is above {HIGH_LOSS_NATS:g} nats per token. If they are, give their natural "
            "logarithm."
        )
    return None


def _irreducible(found: FittedRuns) -> str | None:
    level = found.fit.law.irreducible_nats
    below = [name for name, loss in zip(found.names, found.loss, strict=True) if loss < level]
    if not below:
        return None
    return (
        f"E is {level:.5g}, but the least measured loss is {float(found.loss.min()):.5g}: the "
        f"irreducible loss is above {_listed(below)}. The law does not have the form of these "
        "runs, or those losses are wrong."
    )


def _far_off(found: FittedRuns) -> str | None:
    far = found.fit.far_off
    if not far:
        return None
    named = [
        f"{found.names[run.row]} ({found.loss[run.row]:.5g}, where the others predict "
        f"{run.expected_nats:.5g})"
        for run in far
    ]
    one = len(far) == 1
    beside = (
        f"The table has the fit without {'it' if one else 'them'} too."
        if found.without
        else f"Without {'it' if one else 'them'} the runs cannot be fitted: {found.why_not}."
    )
    return f"Far from the law of the other runs: {_listed(named)}. {beside}"


def _repeated(found: FittedRuns) -> str | None:
    repeated = found.fit.repeated
    if not repeated:
        return None
    pairs = [f"{found.names[row]} repeats {found.names[earlier]}" for row, earlier in repeated]
    return (
        f"{len(repeated)} of {found.loss.size} rows are identical to an earlier one and count "
        f"once: {_listed(pairs)}."
    )


def _listed(words: list[str]) -> str:
    rest = len(words) - MOST_NAMED
    return ", ".join(words[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
