"""The bound on the mean risk during training, which training itself certifies."""

import math

from bounds import ControlGrid, RiskBound
from bounds.progressive import RECIPE_BITS
from dashboard.analysis.bound import progressive
from dashboard.ui.notes.progressive_words import ANOTHER_STATEMENT, trained_again_words
from tools.results.ladder import DELTA, Ladder, Size
from tools.results.markdown import Part, paragraphs, table
from tools.results.sections.gains import all_chains
from tools.results.words import listed, spread, upper


def section(ladder: Ladder) -> Part:
    """The section, a part of that on bounds."""
    heading = "### Certified by training itself, for other models"
    found = bounds_on_the_way(ladder)
    if not found:
        return Part(
            paragraphs(
                heading,
                "Not shown: this suite has no histograms of online losses, which the bound on the "
                "mean risk during training needs (progressive validation).",
            )
        )
    devices = sorted(set(progressive.trained_again(ladder.suite).values()))
    return Part(
        paragraphs(
            heading,
            _introduction(ladder),
            _table(ladder, found),
            _without(ladder, found),
            ANOTHER_STATEMENT,
            *([trained_again_words(devices)] if devices else []),
        )
    )


def bounds_on_the_way(ladder: Ladder) -> dict[str, RiskBound]:
    """Bound of every model that has online losses, the smallest first."""
    names = [str(name) for name in ladder.models["model_id"]]
    bounds = {name: progressive.bound_of(ladder.suite, name, DELTA) for name in names}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _introduction(ladder: Ladder) -> str:
    certified = ladder.models["stand_in"].isna().all()
    status = (
        f"**Certified** at $\\delta$ = {DELTA:g}, for each model separately, but for other models "
        "than above"
        if certified
        else "**Not certified**: another text stands in for the training text of some models"
    )
    choice = math.ceil(ControlGrid().choice_bits)
    return (
        "Each batch is scored before it is trained on. So the mean risk of the smoothed models "
        "during training is at most the geometric form's bound on the online losses, without a "
        f"code. It pays only {choice} bits for α and W and {RECIPE_BITS:g} for the training "
        f"recipe. {status}. The last column is of the final model, in its last step above, for "
        "comparison."
    )


def _table(ladder: Ladder, found: dict[str, RiskBound]) -> str:
    chains = all_chains(ladder)
    finals = {name: float(frame["total_nats"].iloc[-1]) for name, frame in chains.items()}
    header = ["size", "models", "mean online loss", "mean risk on the way, at most", "gap"]
    rows = []
    for size in ladder.sizes:
        here = [found[name] for name in _names(size) if name in found]
        if here:
            final = [finals[name] for name in _names(size) if name in found and name in finals]
            rows.append(
                [
                    size.label,
                    str(len(here)),
                    spread([bound.training_loss_nats for bound in here]),
                    spread([bound.total_nats for bound in here], write=upper),
                    spread([bound.gap_nats for bound in here], write=upper),
                    spread(final, write=upper) if final else "–",
                ]
            )
    return table([*header, "risk of the final model, at most"], rows)


def _names(size: Size) -> list[str]:
    return [str(name) for name in size.models["model_id"]]


def _without(ladder: Ladder, found: dict[str, RiskBound]) -> str:
    missing = [str(name) for name in ladder.models["model_id"] if name not in found]
    return f"Without a histogram of online losses: {listed(missing)}." if missing else ""
