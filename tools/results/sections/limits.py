"""Statements that do not hold, open questions, and the limits of all results."""

from collections.abc import Sequence

from dashboard.views.scaling_laws import pythia
from tools.results.ladder import DELTA, Ladder
from tools.results.markdown import Part, bullets, paragraphs
from tools.results.words import Finding, Verdict, counted, listed, number


def section(ladder: Ladder, findings: Sequence[Finding]) -> Part:
    """The section.

    Args:
        findings: of all other sections.
    """
    failed = [f.short for f in findings if f.verdict is Verdict.DIFFERS]
    unclear = [f.short for f in findings if f.verdict is Verdict.OPEN]
    return Part(
        paragraphs(
            "## 6. Failures and limits",
            "**Does not hold on this ladder**",
            bullets(map(_sentence, failed)) or "Nothing that was tested.",
            "**Undetermined: the intervals allow either answer**",
            bullets(map(_sentence, unclear)) or "Nothing that was tested.",
            "**Limits**",
            bullets(_limits(ladder)),
        )
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _limits(ladder: Ladder) -> list[str]:
    sizes, models = ladder.sizes, ladder.models
    decades = ladder.largest.params / sizes[0].params
    beyond = pythia.choices()["params_total"].min() / ladder.largest.params
    corpora = sorted(set(models["corpus"]))
    several = sum(size.seeds > 1 for size in sizes)
    return [
        "Only the bounds of real files, of students and of the models on the way are certified. "
        f"With probability at least $1-\\delta$ ($\\delta$ = {DELTA:g} unless another is named) "
        "over the training text, and over what the teacher of a student draws, they bound the "
        "expected loss of the smoothed model on a newly drawn next token in every training "
        "context. Each holds for one model; the probability that one of several fails is at most "
        "the sum of their $\\delta$.",
        "That risk is not the held-out loss, which is of whole new documents. It cannot be "
        "measured on real text, so the slack of a gap is unknown.",
        "Not certified: nominal bits, prequential information, every law, every prediction of a "
        "law, and everything about curvature.",
        f"{counted(len(sizes), 'size').capitalize()} over a factor of {number(decades, 0)}; the "
        f"smallest Pythia model is {number(beyond, 0)} times as large as the largest here. A law "
        "of so few small sizes does not describe large ones.",
        _seeds(ladder, several),
        "One ratio $D/N$: an exponent belongs to $N$ and $D$ together. Whether "
        f"{number(ladder.suite.tokens_per_parameter(), 0)} tokens per parameter are optimal for "
        "this text and these tokens was not measured.",
        f"One architecture ({listed(sorted(set(models['family'])))}), one text "
        f"({listed(corpora)}), one tokenizer. Nats per token do not compare with those of another "
        "tokenizer.",
        "The best rate of a step is the best of those with every training token scored.",
        "Pythia itself was not measured here. The paper's figures are described in other words, "
        "and their numbers are as the paper and its citations report them.",
    ]


def _seeds(ladder: Ladder, several: int) -> str:
    if not several:
        return (
            "One seed of each size: intervals of laws come from the scatter of sizes about the "
            "law, and noise of the seed cannot be distinguished from a failure of the law."
        )
    return (
        f"Several seeds at only {several} of {counted(len(ladder.sizes), 'size')}, all of them on "
        "the same text: no interval covers a change of text."
    )
