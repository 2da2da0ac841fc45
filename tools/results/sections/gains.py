"""The gain of our form and codes: the gap certified after every step, of every model."""

import math

import pandas as pd

from bounds.printed import rounded_up
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.steps import GAP, MOVES
from dashboard.analysis.bound.terms import PREQUENTIAL, Choice, bound_terms
from dashboard.analysis.laws.fits import law_of
from dashboard.artifacts.settings import UNQUANTIZED
from dashboard.views.bound_explorer.waterfall_chart import waterfall
from tools.results.chain import STEPS, best_of_all, chain, is_complete, other_order
from tools.results.ladder import DELTA, Ladder, Size
from tools.results.markdown import Part, images, paragraphs, table
from tools.results.words import counted, listed, number, percent, spread, trend_words, upper

_FIRST, _LAST = STEPS[0].label, STEPS[-1].label


def section(ladder: Ladder) -> Part:
    """The section."""
    heading = "## 5. Gains by our form and codes"
    chains = all_chains(ladder)
    if not chains:
        return Part(paragraphs(heading, "No model has bounds with every step's quantizer."))
    largest = chains.get(str(ladder.largest.first["model_id"]))
    text = paragraphs(
        heading,
        _introduction(ladder, chains),
        _gaps_table(chains),
        _left_out(ladder, chains),
        _trends(ladder, chains),
        "Share of each step in the whole reduction, mean over the models of a size:",
        _shares_table(ladder, chains),
        _order(ladder, chains),
    )
    if largest is None:
        return Part(text)
    return Part(
        paragraphs(text, *_of_largest(ladder, chains, largest)),
        {"gap-of-the-largest": waterfall(_as_waterfall(largest)).properties(width=620)},
    )


def all_chains(ladder: Ladder) -> dict[str, pd.DataFrame]:
    """``chain.chain`` of every model that has all steps, the smallest first."""
    names = [str(name) for name in ladder.models["model_id"]]
    return {name: chain(ladder.suite, name) for name in names if is_complete(ladder.suite, name)}


def _introduction(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    certified = all(frame["certified"].all() for frame in chains.values())
    status = (
        "Every gap is **certified** unless marked otherwise: for each model and each step "
        "separately, with probability at least $1-\\delta$ over the training text."
        if certified
        else "**Not certified**: another text stands in for the training text of some models."
    )
    return paragraphs(
        "The gap is the bound minus the training loss of the unquantized model, in nats per "
        f"token, at $\\delta$ = {DELTA:g}. The first column is the paper's form with GPTQ and the "
        "stored file. Then the smoothing is measured instead of bounded from above, the "
        "inequality replaced by the geometric form, and the smoothing weight α and the control "
        "variate W chosen (20 bits pay for it). At last the file is entropy-coded, and GPTQ "
        "replaced by grid-step GPTQ, which is designed for entropy coding. ",
        "Each step uses its own best measured rate: a code names its setting in its first bytes, "
        f"so the bound already pays for choosing it afterwards. {status} The losses of a bound "
        "are rounded up into bins; the training loss that its gap subtracts is exact.",
    )


def _gaps_table(chains: dict[str, pd.DataFrame]) -> str:
    header = ["model", *(step.label for step in STEPS), "less"]
    rows = []
    for name, frame in chains.items():
        cells = [f"{upper(row.gap_nats)}<br>{row.rate}" for row in frame.itertuples()]
        rows.append([name, *cells, percent(_reduction(frame))])
    return table(header, rows)


def _reduction(frame: pd.DataFrame) -> float:
    return 1 - frame["gap_nats"].iloc[-1] / frame["gap_nats"].iloc[0]


def _left_out(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    missing = [name for name in ladder.models["model_id"] if name not in chains]
    if not missing:
        return ""
    return f"Not shown, without bounds at every step: {listed(missing)}."


def _trends(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    rows = ladder.first_models.set_index("model_id")[["params_total"]]
    rows = rows[rows.index.isin(list(chains))]
    sentences = []
    for what, place in (("the paper's form", 0), ("the last step", -1)):
        frame = rows.assign(gap=[chains[name]["gap_nats"].iloc[place] for name in rows.index])
        sentences.append(f"The gap of {what} {trend_words(law_of(frame, 'gap'))}.")
    return " ".join(sentences)


def _shares_table(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    header = ["size", "models", *(step.label for step in STEPS[1:]), "gap before", "gap after"]
    rows = []
    for size in ladder.sizes:
        frames = _of_size(size, chains)
        if frames:
            shares = [
                _percents([frame["share"].iloc[place] for frame in frames])
                for place in range(1, len(STEPS))
            ]
            ends = [
                spread([f["gap_nats"].iloc[place] for f in frames], write=upper)
                for place in (0, -1)
            ]
            rows.append([size.label, str(len(frames)), *shares, *ends])
    return table(header, rows)


def _percents(values: list[float]) -> str:
    return spread([100 * value for value in values], 0) + " %"


def _of_size(size: Size, chains: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    return [chains[name] for name in size.models["model_id"] if name in chains]


def _order(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    name = list(chains)[-1]
    before = chains[name].set_index("step").loc["Choose α and W", "gap_nats"]
    alone = other_order(ladder.suite, name)
    what = "loses" if alone > before else "gains"
    return (
        "Shares depend on the order of the steps. Grid-step GPTQ is designed for entropy coding "
        f"and comes after it: stored at fixed widths it {what} ({name}: a gap of {upper(alone)}, "
        f"where GPTQ has {upper(before)})."
    )


def _of_largest(ladder: Ladder, chains: dict[str, pd.DataFrame], frame: pd.DataFrame) -> list[str]:
    model = ladder.largest.first
    name = str(model["model_id"])
    header = ["step", "best rate", "bits per parameter", "gap", "less", "share", "certified"]
    printed = [rounded_up(gap) for gap in frame["gap_nats"]]  # so that "less" adds up
    rows = [
        [
            row.step,
            row.rate,
            number(row.bits_per_parameter, 2),
            upper(row.gap_nats),
            number(printed[row.Index - 1] - printed[row.Index]) if row.Index else "–",
            percent(row.share, 0) if row.Index else "–",
            "yes" if row.certified else "no",
        ]
        for row in frame.itertuples()
    ]
    first, last = frame.iloc[0], frame.iloc[-1]
    summary = (
        f"{name} ({int(model['params_total']):,} parameters, {int(model['train_tokens']):,} "
        f"training tokens): the paper's form certifies a gap of {upper(first['gap_nats'])} nats "
        f"per token, all steps together {upper(last['gap_nats'])}, {percent(_reduction(frame))} "
        f"less. The risk is at most {upper(last['total_nats'])} nats per token (paper's form: "
        f"{upper(first['total_nats'])}). The training loss is "
        f"{number(last['total_nats'] - last['gap_nats'])}, and the loss of a uniform guess is "
        f"{number(math.log(model['vocab_size']))}."
    )
    return [
        "### The gap certified for the largest model",
        summary,
        images(gap_of_the_largest=f"From the paper's gap to ours, {name}"),
        table(header, rows),
        _best_of_all_text(ladder, name, last),
        _seeds_text(ladder, chains),
        _heuristic(ladder, name),
    ]


def _best_of_all_text(ladder: Ladder, name: str, last: pd.Series) -> str:
    setting, code, gap = best_of_all(ladder.suite, name)
    if gap >= last["gap_nats"] - 1e-12:
        return "No other measured setting, with either real code, certifies a smaller gap."
    return (
        f"Among all measured settings, {setting.label}, {code.replace('_', '-')}, certifies the "
        f"smallest gap: {upper(gap)}."
    )


def _seeds_text(ladder: Ladder, chains: dict[str, pd.DataFrame]) -> str:
    found = _of_size(ladder.largest, chains)
    own = (
        f"Over its {counted(len(found), 'seed')} the last gap is "
        f"{spread([frame['gap_nats'].iloc[-1] for frame in found], write=upper)}."
        if len(found) > 1
        else "One seed (*n* = 1): the dependence of the gap on the seed was not measured at this "
        "size."
    )
    apart = []
    for size in ladder.sizes[:-1]:
        gaps = [frame["gap_nats"].iloc[-1] for frame in _of_size(size, chains)]
        if len(gaps) > 1:
            ends = f"{upper(min(gaps))}–{upper(max(gaps))}"
            apart.append(f"{size.label}: {ends} (*n* = {len(gaps)})")
    if not apart:
        return f"{own} Nor was it at any other."
    return f"{own} Smallest and largest of the last gap at the other sizes: {'; '.join(apart)}."


def _heuristic(ladder: Ladder, name: str) -> str:
    """The gap under the prequential code, clearly marked."""
    terms = bound_terms(ladder.suite, Choice(UNQUANTIZED, PREQUENTIAL, DELTA, "geometric"))
    rows = terms[terms["model_id"] == name] if len(terms) else terms
    if rows.empty:
        return ""
    return (
        "**Not certified**, for comparison: with the prequential estimate of the information in "
        "the model instead of a code length, the same form gives a gap of "
        f"{upper(rows['gap_nats'].iloc[0])}."
    )


def _as_waterfall(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows for the waterfall chart of the bound explorer, with long labels broken."""
    kinds = [GAP, *[MOVES] * (len(frame) - 1)]
    labels = frame["step"].str.replace(" ", "|").str.replace("|α|and|W", "|α and W")
    return Losses.in_nats(frame).table.assign(kind=kinds, step=labels)
