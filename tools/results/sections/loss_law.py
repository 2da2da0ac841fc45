"""The training loss against model size: its power law, the residuals, the largest size."""

from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd

from bounds import HeldOut, PowerLaw
from dashboard.analysis.bound.units import NATS
from dashboard.analysis.laws.fits import Law, Unfitted, formula, law_of
from dashboard.analysis.measured.quantities import MEASURED, Quantity
from dashboard.charts.law_charts import law_panel
from dashboard.style.glossary import term_of
from dashboard.views.scaling_laws import charts, data
from tools.results.ladder import Ladder
from tools.results.markdown import Part, images, paragraphs, table
from tools.results.words import (
    Finding,
    Verdict,
    interval_words,
    listed,
    number,
    percent,
    spread,
)

#: Share of resamples in which a floor may run to an edge before it counts as undetermined; as on
#: the page *Scaling laws*.
_EDGE = 0.05


def section(ladder: Ladder) -> Part:
    """The section."""
    loss = training_loss(ladder)
    law, held = data.law_and_held_out(loss, floor=False)
    heading = "## 2. The loss law"
    if isinstance(law, Unfitted):
        return Part(paragraphs(heading, f"The training loss has no power law here. {law}"))
    by_size = residuals_by_size(ladder, law)
    prediction, findings = _largest(ladder, held)
    return Part(
        paragraphs(
            heading,
            _law_text(ladder, loss, law),
            images(loss_law="Training loss against model size with its power law; what it leaves"),
            _table(by_size),
            _residuals_text(by_size),
            prediction,
        ),
        {"loss-law": _chart(loss, law)},
        findings,
    )


def training_loss(ladder: Ladder) -> Quantity:
    """The quantity of the page *Scaling laws*."""
    rows = ladder.first_models
    values = rows[["model_id", "params_total"]].assign(value=rows["train_loss_nats"].astype(float))
    colour = term_of("training_loss").colour
    label = "Training loss"
    return Quantity(label, label, MEASURED, NATS.label, colour, values, None, "quantized", "0")


def falls_strictly(ladder: Ladder) -> bool:
    """Whether every model has a smaller training loss than every model of a smaller size."""
    losses = [size.models["train_loss_nats"] for size in ladder.sizes]
    return all(b.max() < a.min() for a, b in pairwise(losses))


def _law_text(ladder: Ladder, loss: Quantity, law: PowerLaw) -> str:
    several = any(size.seeds > 1 for size in ladder.sizes)
    first = (
        f"The training loss falls from every size to the next{', for all seeds' * several}."
        if falls_strictly(ladder)
        else "The training loss does **not** fall from every size to the next."
    )
    shape = (
        f"{first} Its power law is `{formula(law)}`, with an exponent of {number(-law.exponent)} "
        f"({interval_words(law)}); models scatter about it by {percent(law.log_residual_rms)} "
        "(root mean square)."
    )
    return f"{shape} {_floor_text(law_of(loss.values, 'value', floor=True))}"


def _floor_text(law: Law) -> str:
    if isinstance(law, Unfitted):
        return f"A floor was not fitted: {law.reason}."
    if law.offset == 0.0:
        return "With a floor allowed, the fit takes none."
    pinned = (
        f"it is not determined (in {percent(law.at_edge, 0)} of resamples it reaches the end of "
        "its range)"
        if law.at_edge > _EDGE
        else f"models then scatter by {percent(law.log_residual_rms)}"
    )
    return f"With a floor allowed, the fit has one of {number(law.offset)} nats; {pinned}."


def residuals_by_size(ladder: Ladder, law: PowerLaw) -> pd.DataFrame:
    """One row per size.

    Columns: label, params_total, losses (of all seeds), residual (of the first seed over the law,
    less 1), seeds_apart (largest loss over smallest, less 1; NaN of one seed), local (exponent of
    the first seed's loss from this size to the next; NaN at the last).
    """
    rows = []
    for size in ladder.sizes:
        losses = size.models["train_loss_nats"].to_numpy(float)
        apart = losses.max() / losses.min() - 1 if size.seeds > 1 else np.nan
        residual = losses[0] / float(law.at(size.params)) - 1
        rows.append((size.label, size.params, losses, residual, apart))
    columns = ["label", "params_total", "losses", "residual", "seeds_apart"]
    frame = pd.DataFrame(rows, columns=columns)
    first = np.log([losses[0] for losses in frame["losses"]])
    slopes = np.diff(first) / np.diff(np.log(frame["params_total"]))
    return frame.assign(local=[*slopes, np.nan])


def _table(by_size: pd.DataFrame) -> str:
    header = ["size", "training loss", "over the law − 1", "seeds apart", "exponent to the next"]
    rows = [
        [
            row.label,
            spread(list(row.losses)),
            percent(row.residual, sign=True),
            percent(row.seeds_apart, 2) if np.isfinite(row.seeds_apart) else "–",
            number(row.local),
        ]
        for row in by_size.itertuples()
    ]
    return table(header, rows)


def _residuals_text(by_size: pd.DataFrame) -> str:
    steepening = by_size["local"].dropna()
    shape = ""
    if len(steepening) > 1 and steepening.is_monotonic_decreasing:
        shape = "The loss falls faster from size to size, which no power law does. "
    elif len(steepening) > 1 and steepening.is_monotonic_increasing:
        shape = "The loss falls ever more slowly from size to size, as towards a floor. "
    several = by_size.dropna(subset=["seeds_apart"])
    if several.empty:
        return f"{shape}Every size has one seed, so what is noise of the seed was not measured."
    beyond = several[several["residual"].abs() > several["seeds_apart"]]
    fitted = "The law is of the first seeds, as in the app. "
    if beyond.empty:
        return f"{fitted}{shape}No size is further from it than its own seeds are from each other."
    return (
        f"{fitted}{shape}At {listed(list(beyond['label']))} the loss is further from the law than "
        "the seeds are from each other: there the law is inaccurate."
    )


def _largest(ladder: Ladder, held: HeldOut | Unfitted) -> tuple[str, tuple[Finding, ...]]:
    """The prediction of the largest size from the others as text, and whether it failed."""
    title = f"**The largest size, predicted from the others.** {ladder.largest.label} parameters: "
    if isinstance(held, Unfitted):
        return f"{title}not predicted. {held}", ()
    text = (
        f"{title}the law of the smaller sizes predicts {number(held.predicted)} nats, with a 95 % "
        f"prediction interval for a single model of {number(held.low)} to {number(held.high)}. "
        f"The measured value is {number(held.measured)}, "
        f"{'inside' if held.inside else '**outside**'} it. The error of the prediction is "
        f"{percent(held.relative_error, sign=True)}."
    )
    if held.inside:
        return text, ()
    short = (
        f"the loss of the largest size from the law of the smaller ones: off by "
        f"{percent(held.relative_error, sign=True)}, outside the prediction interval"
    )
    return text, (Finding(Verdict.DIFFERS, text, short),)


def _chart(loss: Quantity, law: PowerLaw) -> alt.HConcatChart:
    panel = law_panel(loss.values, "value", "Training loss", loss.colour, law)
    left_over = charts.residuals(data.residuals(loss, law), loss.colour)
    return alt.hconcat(
        panel.properties(width=330, height=220),
        left_over.properties(width=330, height=220, title="Residuals of the law"),
        spacing=40,
    )
