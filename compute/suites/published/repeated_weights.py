"""Checkpoints that have the weights of another one, contrary to their names.

Some revisions of published suites serve the final weights, whole or in part, under the name of an
earlier step.  A loss of those weights with the D of that step would make a bound too small.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from compute.suites import hub
from compute.suites.published.hub_model import HubModel

#: The learning rate rises from 0, so that the first steps may leave every weight as it was.
_UNMOVED_STEPS = 2

#: Listings that are asked for at once.
_AT_ONCE = 8

#: Hashes of the parts of a checkpoint, of its files or of its matrices; None: not known.
Parts = frozenset[str] | None


@dataclass(frozen=True)
class Repeats:
    """The comparison of one model's weights.

    Attributes:
        holds: what its checkpoint holds of another one, contrary to its name, or None.
        left_out: (training step, what that checkpoint of its chain holds of another one).
        unknown: what its checkpoint could not be compared with, or None.
    """

    holds: str | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    unknown: str | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the plan says of it."""
        steps: dict[str, list[str]] = {}
        for step, holds in self.left_out:
            steps.setdefault(holds, []).append(f"{step:,}")
        return (
            *([] if self.unknown is None else [self.unknown]),
            *(
                f"earlier checkpoints left out, each with {holds}: "
                f"{'step' if len(of) == 1 else 'steps'} {', '.join(of)}"
                for holds, of in steps.items()
            ),
        )


def repeated_weights(model: HubModel) -> Repeats:
    """Compare a model's files of weights with those of the end of its training and of its chain.

    Hashes come from the hub's listing, or from the cache where the hub cannot be asked; no weights
    are fetched or read.
    """
    if model.is_folder:
        return Repeats()
    finals = [] if model.is_final else model.finals
    sources = [model.source, *finals, *(source for _, source in model.chain)]
    ask = hub.hub_answers(model.source)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        hashes = pool.map(lambda source: hub.weight_hashes(source, ask), sources)
        known = dict(zip(sources, hashes, strict=True))
    own = known[model.source]
    holds = _first(own, [(source.revision, known[source]) for source in finals])
    if holds is not None and not model.is_on_the_way:
        # The person who named it knows what it is; it may be the end of the training.
        return Repeats(unknown=f"its revision {model.source.revision} holds {holds}")
    unknown = None
    if finals and (own is None or all(known[source] is None for source in finals)):
        unknown = "its weights could not be compared with those of the end of its training"
    chain = [(step, known[source]) for step, source in model.chain]
    ends = [(source.revision, known[source]) for source in finals]
    if model.is_final:
        ends.append((model.source.revision, own))
    left_out = repeated_steps(chain, ends)
    if holds is None and not model.is_final:
        there = [(f"step {step:,}", parts) for step, parts in chain if step not in left_out]
        holds = _first(own, there)
    return Repeats(holds, tuple(left_out.items()), unknown)


def repeated_steps(
    chain: Iterable[tuple[int, Parts]], ends: Iterable[tuple[str, Parts]]
) -> dict[int, str]:
    """Which checkpoints of a chain hold parts of the end of the training, or of an earlier step.

    Of several steps that are the same the first is believed.  The very first steps of a training
    may be the same rightly.

    Args:
        chain: (training step, hashes of its parts), rising.
        ends: (name, hashes of its parts).

    Returns:
        Step -> what it holds.
    """
    out: dict[int, str] = {}
    before: list[tuple[str, Parts]] = []
    for step, parts in chain:
        others = [*ends, *(before if step > _UNMOVED_STEPS else ())]
        holds = _first(parts, others)
        if holds is None:
            before.append((f"step {step:,}", parts))
        else:
            out[step] = holds
    return out


def _first(own: Parts, others: Iterable[tuple[str, Parts]]) -> str | None:
    """What ``own`` shares with the first of ``others`` that has any part of it, or None."""
    for name, parts in others:
        shared = len((own or frozenset()) & (parts or frozenset()))
        if shared:
            whole = own is not None and shared == len(own)
            what = "the weights" if whole else f"{shared} of {len(own or ())} parts of the weights"
            return f"{what} of {name}"
    return None
