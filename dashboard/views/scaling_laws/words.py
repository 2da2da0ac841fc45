"""The words of the page *Scaling laws*."""

import pandas as pd
import streamlit as st

from bounds import HeldOut
from bounds.laws.published import FRONTIER, published
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_in_words, formula
from dashboard.analysis.laws.ratios import OPTIMAL, Ratios
from dashboard.analysis.measured.quantities import Quantity
from dashboard.style.numbers import count_label
from dashboard.style.plural import agree, counted
from dashboard.ui.drawing import show
from dashboard.ui.notes.explanations import along


def introduction(models: pd.DataFrame, few: str | None) -> None:
    """What is fitted, and what it cannot say.

    Args:
        models: rows of the suite's `models`, one per size.
        few: from ``laws.too_few``.
    """
    ratios = Ratios.of(models)
    if few:
        show.info(f"{few} Below are the values themselves.", icon=":material/inbox:")
        return
    show.markdown(
        f"How every number of this dashboard moves as models grow {along(ratios)}. Laws follow "
        "every control at once."
    )
    both = (
        "With D/N about the same everywhere, the effects of N and D cannot be separated: an "
        "exponent is of this line of models, not of N alone."
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
    """The law of one quantity to copy, and how far to trust it; or why it has none, unless no
    quantity has one, which the ``introduction`` says."""
    if isinstance(law, Unfitted):
        if not few:
            show.info(str(law), icon=":material/block:")
        return
    show.code(f"y = {formula(law)}  # {quantity.label}, {quantity.unit}", language="python")
    trust = (
        str(held)
        if isinstance(held, Unfitted)
        else f"Fitted without the largest model, it predicts {held.predicted:.4g} there (95 % "
        f"prediction interval for a single model: {held.low:.4g} to {held.high:.4g}), and "
        f"{held.measured:.4g} was measured: {held.relative_error:+.1%}, "
        + ("inside" if held.inside else "**outside**")
        + " the interval."
    )
    certified = " Hollow: of a code that has no decoder." if quantity.certified is False else ""
    edge = (
        f" **The floor is not pinned down**: in {law.at_edge:.0%} of resamples it runs to where "
        "the sizes cannot tell it from others, so the intervals are too narrow."
        if law.at_edge > 0.05
        else ""
    )
    show.caption(
        f"{exponent_in_words(law)}.{edge} {trust} Models scatter about the law by "
        f"{law.log_residual_rms:.1%}. From the table `{quantity.table}`, section "
        f"{quantity.section} of docs/THEORY.md.{certified}"
    )


def published_reading(quantity: Quantity) -> None:
    """Sources of the dotted lines."""
    if quantity.published is None:
        return
    laws = [law for law in published(quantity.published[0]) if law.key in FRONTIER]
    with st.expander("The dotted laws: published elsewhere, other text and tokens"):
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
            "the text and on what a token is, so only shapes compare. N without embeddings is "
            "converted by the shapes of this suite's models."
        )


def stacked_reading(missing: list[str]) -> None:
    """How to read the stacked terms."""
    left_out = f" Left out, as no law fits: {', '.join(missing).lower()}." if missing else ""
    show.caption(
        "Each term by its own law, one on another; strong colours over the measured sizes, pale "
        "beyond, where the sum is a trend and **no bound**. Circles: the bounds as measured."
        f"{left_out}"
    )


def compute_reading(curves: pd.DataFrame, ratios: Ratios) -> None:
    """What figure 1 shows."""
    show.caption(
        "Every batch's loss before it was trained on, averaged over ever more batches. Diamonds: "
        f"the ends of training, at {ratios.words}, at the final model's training loss. "
        "A line ends at the mean of its last batches, text that no model had seen; a diamond is "
        "over all of the training text, which the final model has seen once."
        if len(curves)
        else "No losses of the training itself are known here: a published model comes without."
    )


def tokens_reading(models: int, ratios: Ratios, elsewhere: bool) -> None:
    """What the points of tokens against parameters are.

    Args:
        models: how many are drawn.
        elsewhere: whether Pythia's are drawn beside them.
    """
    points = f"{agree(models, 'Diamond: the model', 'Diamonds: the models')} measured here"
    text = (
        f"{points}, at {ratios.words}. Line: {OPTIMAL:g} tokens per parameter, about what "
        "a training budget is best spent at (Hoffmann et al. 2022)."
    )
    if elsewhere:
        text += (
            " Dashed circles: the Pythia checkpoints nearest to the line, the paper's choice, "
            "**not measured here**. The three smallest lie inside Pythia's warm-up, and all but "
            "the largest before most of its learning-rate decay."
        )
    show.caption(text)


def table_config() -> dict:
    """How the columns of the overview look."""
    number = st.column_config.NumberColumn
    return {
        "law": st.column_config.TextColumn("law, y =", width="medium"),
        "exponent": number(format="%.3f", help="Of N: negative where the quantity falls."),
        "low": number("95 % from", format="%.3f"),
        "high": number("to", format="%.3f"),
        "floor": number(format="%.3g"),
        "scatter": number(format="%.3f", help="Root mean square of log residuals."),
        "predicted": number(format="%.4g", help="Of the largest model, from the others."),
        "measured": number(format="%.4g", help="Of the largest model."),
        "error": number(format="percent", help="Predicted over measured, less 1."),
        "values_certified": st.column_config.CheckboxColumn("values certified"),
        "section": st.column_config.TextColumn("section of docs/THEORY.md"),
        "inside": st.column_config.CheckboxColumn(
            help="Measured lies inside the 95 % prediction interval for a single model."
        ),
    }
