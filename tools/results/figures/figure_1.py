"""Figure 1: loss against compute, and the points on the compute-optimal frontier."""

import numpy as np
import pandas as pd

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import information
from dashboard.analysis.measured.information import CONSTANT_RATE
from dashboard.views.scaling_laws import frontier, frontier_charts, pythia
from tools.results.ladder import Ladder, Size
from tools.results.markdown import Part, bullets, findings, images, paragraphs
from tools.results.sections.loss_law import falls_strictly
from tools.results.words import (
    CLEAR,
    Finding,
    Verdict,
    counted,
    number,
    trend_words,
)

TITLE = "Loss against compute, and the chosen points"

_PAPER = (
    "For each Pythia model the paper uses the checkpoint that has seen about 20 tokens per "
    "parameter, on or near the frontier of least loss for the compute spent, and studies these "
    "alone."
)

#: Share of the tokens seen over which an online loss is averaged, up to a point.
_WINDOW = 0.1


def part(ladder: Ladder) -> Part:
    """The figure, its description, and its findings."""
    suite, ratio = ladder.suite, ladder.suite.tokens_per_parameter()
    ends = frontier.chosen(suite)
    curves = frontier.loss_by_compute(suite)
    charts = {"figure-1-points": frontier_charts.frontier(ends, pythia.choices(), ratio)}
    alternatives = {"figure_1_points": "Tokens against parameters of the chosen points"}
    if len(curves):
        loss = frontier_charts.loss_by_compute(
            Losses.in_nats(curves).table, Losses.in_nats(ends).table
        )
        charts = {"figure-1-compute": loss.properties(width=330), **charts}
        shown = "Loss against compute during training, with diamonds at the end"
        alternatives = {"figure_1_compute": shown, **alternatives}
    charts["figure-1-points"] = charts["figure-1-points"].properties(width=330)
    pairs = neighbours(ladder)
    found = (_loss_falls(ladder), _frontier(pairs))
    return Part(
        paragraphs(
            f"### Figure 1. {TITLE}",
            _PAPER,
            images(**alternatives),
            findings(found),
            "**Why, at this scale**",
            bullets(_why(ladder, pairs)),
        ),
        charts,
        found,
    )


def _loss_falls(ladder: Ladder) -> Finding:
    falls = falls_strictly(ladder)
    text = (
        "In the paper the loss at the chosen points falls with the compute spent. Here the "
        f"training loss {'falls' if falls else 'does not fall'} from every size to the next; by "
        f"its power law it {trend_words(law_of(ladder.first_models, 'train_loss_nats'))}."
    )
    if falls:
        return Finding(Verdict.AGREES, text)
    return Finding(Verdict.DIFFERS, text, "that the loss falls from every size to the next")


def _frontier(pairs: pd.DataFrame) -> Finding:
    paper = "In the paper the chosen points are near the frontier of least loss for the compute."
    if pairs.empty:
        short = "whether the chosen points are on the frontier: no online losses to compare"
        return Finding(
            Verdict.OPEN, f"{paper} This suite has no online losses for the comparison.", short
        )
    clear = pairs["difference"].abs() > CLEAR * pairs["error"]
    better = int((clear & (pairs["difference"] > 0)).sum())
    worse = int((clear & (pairs["difference"] < 0)).sum())
    text = (
        f"{paper} Compared with the next larger size at equal compute, both before their "
        f"cooldown, the smaller model has less loss by more than {CLEAR:g} standard errors in "
        f"{better} of {counted(len(pairs), 'pair')}, more in {worse}."
    )
    if better == len(pairs):
        return Finding(Verdict.AGREES, text)
    short = f"that no larger model has less loss at the compute of a chosen point ({better} of "
    short += f"{counted(len(pairs), 'pair')})"
    verdict = Verdict.DIFFERS if worse > len(pairs) / 2 else Verdict.OPEN
    return Finding(verdict, text, short)


def neighbours(ladder: Ladder) -> pd.DataFrame:
    """Online loss of each size and of the next larger one at equal compute.

    The compute is that of the smaller one just before its learning rate is lowered, so
    that neither has had the cooldown.  Columns: smaller, larger, difference (larger minus smaller),
    error (its standard error, batches as independent units).
    """
    rows = []
    for smaller, larger in zip(ladder.sizes[:-1], ladder.sizes[1:], strict=True):
        seen = CONSTANT_RATE[1] * float(smaller.first["train_tokens"])
        flops = seen * smaller.params
        here, there = (_online(ladder, size, flops / size.params) for size in (smaller, larger))
        if here is not None and there is not None:
            difference, error = there[0] - here[0], float(np.hypot(here[1], there[1]))
            rows.append((smaller.label, larger.label, difference, error))
    return pd.DataFrame(rows, columns=["smaller", "larger", "difference", "error"])


def _online(ladder: Ladder, size: Size, tokens: float) -> tuple[float, float] | None:
    """Mean loss of the batches that end in the last tenth before ``tokens``, with its error."""
    curve = information.online_curve(ladder.suite, str(size.first["model_id"]), batches=None)
    seen = curve["tokens_seen"]
    last = curve["loss_nats"][(seen > (1 - _WINDOW) * tokens) & (seen <= tokens)]
    if len(last) < 2:
        return None
    return float(last.mean()), float(last.std(ddof=1) / np.sqrt(len(last)))


def _why(ladder: Ladder, pairs: pd.DataFrame) -> list[str]:
    reasons = [
        "A ratio of 20 is Chinchilla's, for subword tokens and models of 70 million parameters "
        "and more. Here it is a convention. One ratio $D/N$ cannot measure the frontier itself; "
        "the comparison above only asks whether the next size would have used the same compute "
        "better.",
        "Every model here has completed its schedule, with the learning rate lowered at the end. "
        "Pythia's schedule has 143,000 steps, so nearly all of its chosen checkpoints come before "
        "most of that decay. So each line above ends in a drop that the paper's lines do not have.",
    ]
    if len(pairs):
        middle = pairs["difference"].median()
        reasons.append(
            f"At equal compute the next larger size is {number(abs(middle))} nats "
            f"{'worse' if middle > 0 else 'better'} (median over pairs), after "
            f"{_tokens_seen(ladder)} tokens per parameter."
        )
    return reasons


def _tokens_seen(ladder: Ladder) -> str:
    ratios = [
        CONSTANT_RATE[1] * float(s.first["train_tokens"]) * s.params / larger.params**2
        for s, larger in zip(ladder.sizes[:-1], ladder.sizes[1:], strict=True)
    ]
    return f"{number(min(ratios), 1)} to {number(max(ratios), 1)}"
