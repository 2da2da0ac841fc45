"""The text of the page *Scaling laws*."""

import pandas as pd
import streamlit as st

from bounds import HeldOut
from bounds.laws.published import FRONTIER, published
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_text, formula
from dashboard.analysis.laws.ratios import OPTIMAL, Ratios
from dashboard.analysis.measured.quantities import Quantity
from dashboard.style.numbers import count_label
from dashboard.style.plural import agree, counted
from dashboard.ui.drawing import show
from dashboard.ui.notes.explanations import along


def introduction(models: pd.DataFrame, few: str | None) -> None:
    """What is fitted, and the limits of the fit.

    Args:
        models: rows of the suite's `models`, one per size.
        few: from ``laws.too_few``.
    """
    ratios = Ratios.of(models)
    if few:
        show.info(f"{few} Below are the values themselves.", icon=":material/inbox:")
        return
    show.markdown(
        f"Changes of every number of this dashboard as models grow {along(ratios)}. The laws "
        "follow every control at once."
    )
    both = (
        "With D/N about the same everywhere, the effects of N and D cannot be separated: an "
        "exponent describes this line of models, not N alone."
        if ratios.is_one
        else "D/N differs between the models, so an exponent mixes the effects of N and of D."
    )
    show.caption(
        f"Fitted to {counted(models['params_total'].nunique(), 'size')} up to "
        f"{count_label(float(models['params_total'].max()))} parameters: solid lines and bands "
        "are the measured range, **dashed is extrapolation**, which these data cannot validate. "
        f"{both}"
    )


def law_reading(quantity: Quantity, law: Law, held: HeldOut | Unfitted, few: str | None) -> None:
    """The law of one quantity to copy and its accuracy, or the reason for none.

    Empty if no quantity has a law, which the ``introduction`` explains.
    """
    if isinstance(law, Unfitted):
        if not few:
            show.info(str(law), icon=":material/block:")
        return
    show.code(f"y = {formula(law)}  # {quantity.label}, {quantity.unit}", language="python")
    trust = (
        str(held)
        if isinstance(held, Unfitted)
        else f"Fitted without the largest model, it predicts {held.predicted:.4g} there (95 % "
        f"prediction interval for a single model: {held.low:.4g} to {held.high:.4g}). The "
        f"measured value is {held.measured:.4g}: {held.relative_error:+.1%}, ".replace("-", "−")
        + ("inside" if held.inside else "**outside**")
        + " the interval."
    )
    certified = " Hollow: of a code without a decoder." if quantity.certified is False else ""
    edge = (
        f" **The floor is not determined**: in {law.at_edge:.0%} of resamples it reaches the end "
        "of its range, so the intervals are too narrow."
        if law.at_edge > 0.05
        else ""
    )
    show.caption(
        f"{exponent_text(law)}.{edge} {trust} Models scatter about the law by "
        f"{law.log_residual_rms:.1%}. From the table `{quantity.table}`, section "
        f"{quantity.section} of docs/THEORY.md.{certified}"
    )


def published_reading(quantity: Quantity) -> None:
    """Sources of the dotted lines."""
    if quantity.published is None:
        return
    laws = [law for law in published(quantity.published[0]) if law.key in FRONTIER]
    with st.expander("The dotted laws: published for other text and tokens"):
        lines = ["| law | formula | fitted to | counts | source |", "|---|---|---|---|---|"]
        lines += [
            f"| {law.label} | ${law.formula}$ | N {count_label(law.smallest)} to "
            f"{count_label(law.largest)}, D {count_label(law.tokens[0])} to "
            f"{count_label(law.tokens[1])} | {law.parameters} parameters | {law.source}. "
            f"{law.note} |"
            for law in laws
        ]
        show.markdown("\n".join(lines))
        show.caption(
            "Pale where a law is outside the sizes it was fitted to. Losses per token depend on "
            "the text and the tokenizer, so only shapes compare. N without embeddings is "
            "converted by the shapes of this suite's models."
        )


def stacked_reading(missing: list[str]) -> None:
    """How to read the stacked terms."""
    left_out = f" Not shown (no law): {', '.join(missing).lower()}." if missing else ""
    show.caption(
        "Each term by its own law, stacked. Colours are strong over the measured sizes and pale "
        "beyond, where the sum is a trend and **not a bound**. Circles: the measured bounds."
        f"{left_out}"
    )


def compute_reading(curves: pd.DataFrame, ratios: Ratios) -> None:
    """The caption of figure 1."""
    show.caption(
        "Every batch's loss before training on it, averaged over growing numbers of batches. "
        f"Diamonds: the final model's training loss at the end of training, at {ratios.words}. A "
        "line ends at the mean of its last batches, which were new text. A diamond is over all "
        "of the training text, which the final model has seen once."
        if len(curves)
        else "The losses during training are unknown here: published models do not include them."
    )


def tokens_reading(models: int, ratios: Ratios, elsewhere: bool) -> None:
    """The caption of tokens against parameters.

    Args:
        models: number of models drawn.
        elsewhere: whether Pythia's are drawn too.
    """
    points = f"{agree(models, 'Diamond: the model', 'Diamonds: the models')} measured here"
    text = (
        f"{points}, at {ratios.words}. Line: {OPTIMAL:g} tokens per parameter, approximately "
        "compute-optimal (Hoffmann et al. 2022)."
    )
    if elsewhere:
        text += (
            " Dashed circles: the Pythia checkpoints nearest to the line, the paper's choice, "
            "**not measured here**. The three smallest are within Pythia's warm-up, and all but "
            "the largest come before most of its learning-rate decay."
        )
    show.caption(text)


def table_config() -> dict:
    """Headings and formats of the columns of the overview."""
    number = st.column_config.NumberColumn
    return {
        "law": st.column_config.TextColumn("law, y =", width="medium"),
        "exponent": number(format="%.3f", help="Exponent of N: negative if the quantity falls."),
        "low": number("95 % from", format="%.3f"),
        "high": number("to", format="%.3f"),
        "floor": number(format="%.3g"),
        "scatter": number(format="%.3f", help="Root mean square of log residuals."),
        "predicted": number(
            format="%.4g", help="Prediction for the largest model from the others."
        ),
        "measured": number(format="%.4g", help="Measured value of the largest model."),
        "error": number(format="percent", help="Predicted over measured, minus 1."),
        "values_certified": st.column_config.CheckboxColumn("values certified"),
        "section": st.column_config.TextColumn("section of docs/THEORY.md"),
        "inside": st.column_config.CheckboxColumn(
            help="The measured value is in the 95 % prediction interval for a single model."
        ),
    }
