"""The text of the page *Information*."""

import math

import pandas as pd

from bounds import PowerLaw
from bounds.laws.crossing import Crossing
from dashboard.analysis.bound.terms import REQUENTIAL, Choice
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_text, too_few
from dashboard.artifacts.settings import Setting
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.numbers import count_label, delta_label, times_label
from dashboard.ui.drawing import show
from dashboard.ui.notes import caveats
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.information import charts

NOT_MEASURED = (
    "This suite has no prequential information. It requires the losses of the training itself, or "
    "earlier checkpoints of the same run. `make compute` stores the first for models that it "
    "trains, and scores the second for published suites such as Pythia. A single checkpoint has "
    "neither."
)
NO_LOSSES = (
    "The bound under the prequential code needs the losses of the unquantized models, which were "
    "not scored here."
)

NO_BOUNDS = "No model has a bound at this setting: its losses were not scored here."

HEURISTIC = ":orange-badge[:material/warning: heuristic, not certified]"

#: The paper's exponent of K(h) in N and its uncertainty (section 9).
PAPER_EXPONENT, PAPER_ERROR = 0.5, 0.1


def introduction() -> None:
    """A short introduction to prequential coding."""
    show.markdown(
        "How much information does a trained model contain? Consider a receiver with the "
        "training program but without the text. The text is sent batch by batch, each batch at "
        "the cost of the loss that the model had *before* training on it. The cost above the "
        "final model's loss is $K(h)$, the model's information by **prequential coding**. "
        f"{HEURISTIC}"
    )
    show.caption(
        "It relies on the symmetry of information, which holds up to constants, and no decoder "
        "restores the model from it. It shows how information grows and certifies nothing. Real "
        "codes of the quantized weights are drawn for comparison."
    )


#: What a caption adds for students: what their bits are, and who else reports them.
_STUDENTS = (
    "; *requential* is what a student took that never saw the text",
    ", and those of Qiu et al. for students on FineWeb (1.92 bits per parameter at 65M, 1.25 at "
    "1B)",
)


def size_reading(laws: dict[str, Law], setting: Setting) -> None:
    """The laws of figure 3, and the models of the other codes."""
    lines = [
        f"*{CODE_LABELS[code]}*: {exponent_text(law)}"
        for code, law in laws.items()
        if isinstance(law, PowerLaw)
    ]
    ours = "Solid lines and bands: measured range, 95 %. Dashed: extrapolated. " if lines else ""
    students, theirs = _STUDENTS if REQUENTIAL in laws else ("", "")
    show.caption(
        (f"Information in bits, {'; '.join(lines)}. " if lines else "")
        + f"*nominal*, *stored* and *entropy-coded* are of {setting.label}{students}. Filled "
        "points can be certified, hollow ones belong to a count without a decoder. "
        f"{ours}Dotted: values "
        "that others report for their own models, text and tokens, paler outside their sizes: the "
        f"paper's for Pythia and the closed form of Chinchilla's law{theirs}."
    )


def falls(models: pd.DataFrame, growth: pd.DataFrame) -> None:
    """Whether information per parameter falls with size as in the paper, and a reason if not."""
    if growth.empty:
        few = too_few(models)
        show.caption(f"The growth of K(h) is unknown. {few}" if few else "K(h) has no law here.")
        return
    ordered = models.sort_values("params_total")
    first, last = ordered["bits_per_parameter"].iloc[0], ordered["bits_per_parameter"].iloc[-1]
    whole = growth.iloc[0]
    start = (
        f"**K(h)/N {'falls' if last < first else 'does not fall'} here**: it goes from "
        f"{first:.2f} bits per parameter at {count_label(ordered['params_total'].iloc[0])} "
        f"parameters to {last:.2f} at {count_label(ordered['params_total'].iloc[-1])}. K(h) grows "
        f"as $N^{{{whole['exponent']:.2f}}}$ (95 %: {whole['low']:.2f} to {whole['high']:.2f}); "
        f"the paper finds {PAPER_EXPONENT} ± {PAPER_ERROR} for Pythia, 70 million parameters up."
    )
    if last < first:
        show.markdown(start)
        return
    excess = ordered["excess_nats"]
    show.info(
        f"{start} K(h)/N is D/N times the mean excess of the online over the final loss. The "
        f"excess grows here, from {excess.iloc[0]:.3f} to {excess.iloc[-1]:.3f} nats per token. A "
        "small model soon reaches the capacity of its few parameters and spends most of its text "
        "there; a larger one improves to the end. K(h)/N must fall only if the excess depends on "
        f"the amount of text alone, as $D^{{-\\beta}}$. These sizes are far below the paper's.",
        icon=":material/trending_up:",
    )


def growth_table(growth: pd.DataFrame) -> None:
    """Exponents of K(h) without the smallest sizes, next to the paper's."""
    if growth.empty:
        return
    lines = [
        "| sizes fitted | K(h) grows as | 95 % interval | K(h)/N goes as |",
        "|---|--:|---|--:|",
    ]
    for row in growth.itertuples():
        several = f"{row.left_out} " if row.left_out > 1 else ""
        left = f"without the {several}smallest" if row.left_out else "all"
        lines.append(
            f"| {left} ({row.models}) | $N^{{{row.exponent:.3f}}}$ | {row.low:.3f} to "
            f"{row.high:.3f} | $N^{{{row.exponent - 1:+.3f}}}$ |"
        )
    paper = f"{PAPER_EXPONENT - PAPER_ERROR:.1f} to {PAPER_EXPONENT + PAPER_ERROR:.1f}"
    lines.append(
        f"| *paper, Pythia, not measured here* | $N^{{{PAPER_EXPONENT}}}$ | {paper} | "
        f"$N^{{{PAPER_EXPONENT - 1:+.1f}}}$ |"
    )
    show.markdown("\n".join(lines))


def crossings(found: dict[str, Crossing | Unfitted], largest: float) -> None:
    """Where the prequential law crosses those of the other codes, beyond the measured sizes."""
    if all(isinstance(met, Unfitted) for met in found.values()):
        return  # without laws nothing meets
    sentences = [f"*{CODE_LABELS[code]}*: {_meeting(met, largest)}" for code, met in found.items()]
    show.caption(
        "Does K(h) cross the size of a code beyond the measured models? "
        + " ".join(sentences)
        + " In the paper, for Pythia against 4 bits per parameter, it falls below at about 2·10¹⁰."
    )


def _meeting(met: Crossing | Unfitted, largest: float) -> str:
    if isinstance(met, Unfitted):
        return str(met)
    side = "above" if met.from_above else "below"
    behind = (
        f" (their laws crossed within the measured sizes, at {count_label(met.behind)})"
        if met.behind
        else ""
    )
    if met.n == math.inf:
        return (
            f"K(h) is {side} at the largest model, and the laws move apart{behind}; they cross "
            f"further on in {met.share_ahead:.0%} of resamples."
        )
    change = "falls below" if met.from_above else "rises above"
    return (
        f"K(h) is {side} at the largest model and by the laws {change} at N ≈ {_size(met.n)}, "
        f"{times_label(met.n / largest)} times the largest measured size: extrapolated (95 %: "
        f"{_size(met.low)} to {_size(met.high)}; {met.share_ahead:.0%} of resamples cross)."
    )


def _size(n: float) -> str:
    if n == math.inf:
        return "never"
    if n > 1e30:
        return "beyond 1e30"
    return count_label(n) if n < 1e15 else f"{n:.0e}"


def terms_reading() -> None:
    """The caption of the laws of the terms under the prequential code."""
    show.caption(
        "The paper's argument in one chart. With the prequential code, instead of bits times "
        "parameters, complexity follows K(h)/D, and the unquantized model has no quantization "
        "gap. All points are hollow: **not certified**."
    )


def totals_section(
    real: pd.DataFrame, prequential: pd.DataFrame, choice: Choice, unit: Unit
) -> None:
    """The bound by the chosen code and by the prequential one, if either was measured.

    Args:
        real, prequential: ``Losses`` of ``terms.bound_terms`` in ``unit``, with a column code.
    """
    totals = pd.concat([real, prequential])
    if len(totals):
        delta = f"δ = {delta_label(choice.failure_probability)}"
        below = subtitle(unit.label, f"{CODE_LABELS[choice.code]}: {choice.setting.label}", delta)
        show.chart(charts.totals_by_code(totals, unit), "The bound by either code", below)
    if real.empty:
        show.info(NO_BOUNDS, icon=":material/inbox:")
    else:
        totals_reading(real["code"].iloc[0], choice.setting)
        caveats.not_certified(real)


def totals_reading(code: str, setting: Setting) -> None:
    """How to read the bounds by either code."""
    other = {
        "nominal": "the nominal count, which is not a certificate either",
        REQUENTIAL: "the bits that the student took, of which no file exists",
    }.get(code, f"the file from which a decoder restores {setting.label}")
    show.caption(
        "Dashed and hollow: the bound if K(h) were the length of a code, **not certified**. "
        f"*{CODE_LABELS[code]}*: {other}. Above the line of the uniform guess a bound is vacuous."
    )


def area_reading(row: pd.Series, kept: pd.DataFrame) -> None:
    """The caption of the shaded area with its size."""
    recomputed = row["recomputed_bits"]
    difference = abs(recomputed / row["k_bits"] - 1) if math.isfinite(recomputed) else math.nan
    again = (
        ""
        if math.isnan(difference)
        else f" Summed again from the batches: {recomputed:,.0f} bits, {difference:.1e} off."
    )
    checkpoints = " Circles: checkpoints, scored on the next windows." if len(kept) else ""
    show.caption(
        f"The shaded area is the code: K(h) = {row['k_bits']:,.0f} bits, "
        f"{row['bits_per_parameter']:.2f} per parameter.{again}{checkpoints} The dashed line is "
        "the final model's mean loss on all training tokens."
    )


def checkpoint_section(models: pd.DataFrame, colour: str) -> None:
    """The accuracy of K(h) from checkpoints, if both methods were measured."""
    both = models[models["checkpoint_bits"].notna()]
    if both.empty:
        return
    show.subheader("How accurate is K(h) from checkpoints?")
    if (both["method"] == "online_losses").any():
        heading = "K(h) from checkpoints over the exact area"
        below = subtitle("ratio", "every model with online losses")
        show.chart(charts.checkpoint_error(models, colour), heading, below)
    methods_reading(models)


def methods_reading(models: pd.DataFrame) -> None:
    """The accuracy of K(h) from checkpoints, and why the closed form is too small."""
    both = models.dropna(subset=["checkpoint_bits"])
    if both.empty:
        return
    exact = both[both["method"] == "online_losses"]
    if exact.empty:
        show.caption("These models have no online losses: their K(h) comes only from checkpoints.")
        return
    error = exact["checkpoint_bits"] / exact["k_bits"] - 1
    claimed = (exact["checkpoint_error_bits"] / exact["k_bits"]).mean()
    mean = " on average" if len(exact) > 1 else ""
    closed = (exact["closed_form_bits"] / exact["k_bits"]).dropna()
    show.caption(
        "Dots: K(h) integrated over checkpoints at Pythia's spacing (steps 0, 1, 2, 4, … 512, "
        f"then every 1000) over the exact area. The error is {_span(error, '+.1%')}. Bars: the "
        f"error that the checkpoints alone can validate, {claimed:.0%}{mean}. It is half the "
        "difference of the left and right sums plus two standard errors, which is cautious: a "
        "falling loss could fall anywhere between two checkpoints."
        + (
            rf" Triangles: the closed form $B\,\frac{{\beta}}{{1-\beta}}D^{{1-\beta}}$, "
            rf"{_span(closed, '.2f')} of the area. $B$ and $\beta$ come from a law $E + "
            r"B/d^\beta$ fitted to the online losses at a constant learning rate. It ignores the "
            "warm-up and the drop during the cooldown of the learning rate."
            if len(closed)
            else ""
        )
    )


def _span(values: pd.Series, form: str) -> str:
    """Smallest and largest value, or the only one."""
    ends = dict.fromkeys(
        f"{value:{form}}".replace("-", "−") for value in (values.min(), values.max())
    )
    return " to ".join(ends)
