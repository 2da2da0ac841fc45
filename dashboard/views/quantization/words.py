"""The text of the page *Quantization*: what its charts show and how to read them."""

import pandas as pd
import streamlit as st

from bounds.printed import upper_text
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law
from dashboard.analysis.laws.ratios import Ratios
from dashboard.analysis.measured.quantization import without_feedback
from dashboard.artifacts.settings import Setting
from dashboard.style.escaping import escaped
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.numbers import error_label, number_label
from dashboard.style.plural import agree, counted, listed
from dashboard.ui.drawing import show

#: Shown if no quantized model can be compared with the trained one.
NO_GAPS = "This suite has no quantized model at another setting: there is no gap to show."

_KINDS = {"linear": "linear layers", "embedding": "embeddings", "other": "norms and biases"}


def introduction() -> None:
    """The subject of the page."""
    show.markdown(
        "Fewer bits make a shorter code, and so a smaller complexity term. They also round the "
        "weights more coarsely, and the loss grows. The bound combines both."
    )


def gap_reading() -> None:
    """How to read the gap against nominal bits."""
    show.caption(
        "Loss of the quantized model minus that of the trained one. On a clipped grid the bits "
        "are $b$; on an unclipped one the entropy of its codes. Large points use all training "
        "tokens, small ones sampled windows. Bars are two standard errors each way, from windows "
        "that both models were scored on. For large points they show the variation over other "
        "windows of the same kind; for small ones the distance from the gap over all windows. "
        "Gaps of 0 or less cannot be drawn on this axis."
    )


def one_gap(row: pd.Series, unit: Unit) -> None:
    """The gap at the chosen setting, if no other size has one to compare with.

    Args:
        row: of ``quantization.gaps``.
    """
    show.metric(
        st.container(),
        f"Quantization gap, {row['setting']}, {unit.label}",
        number_label(row["quantization_gap"]).replace("-", "−"),
        f"± {error_label(row['gap_se'])} standard error",
    )
    show.caption(f"Of **{escaped(row['model_id'])}**, the only size measured at this setting.")


def rate_reading() -> None:
    """How to read the gap against coded bits."""
    show.caption(
        "The same gaps against the size of the whole model in an entropy-coded file, with scales, "
        "norms and tables. Lower and further left is better."
    )


def bound_reading(bounds: pd.DataFrame, code: str, unit: Unit, sampled: bool) -> None:
    """The rate with the smallest bound, the reason, and why it may be chosen afterwards.

    Args:
        bounds: from ``quantization.bounds_by_rate``, one model.
    """
    best = bounds[bounds["best"]].iloc[0]
    scored = "windows of both kinds were scored" if sampled else "all training tokens were scored"
    show.caption(
        f"The ring marks the smallest measured gap: {best['setting']}, "
        f"{upper_text(best['bound_gap'])} {unit.label}, code length {CODE_LABELS[code]}. "
        f"{_why_there(bounds, best)} A code's header names its setting, so the bound already pays "
        "for choosing it afterwards"
        + (", and all settings share the sampling's part of δ" if sampled else "")
        + f". A setting has a bound only if {scored}."
    )


#: Rates this close to the highest or lowest measured one (as a share) are at that end: files of
#: one rate differ by their scales and tables.
_NEAR_END = 0.05


def _why_there(bounds: pd.DataFrame, best: pd.Series) -> str:
    """The reason for the best rate: between others, or at an end of those measured."""
    bits, at = bounds["bits_per_parameter"], best["bits_per_parameter"]
    most, fewest = at >= (1 - _NEAR_END) * bits.max(), at <= (1 + _NEAR_END) * bits.min()
    if most and fewest:
        return "No other rate has a bound."
    if most:
        return (
            "It has the most bits of all measured settings: over these rates a longer code costs "
            "less than coarser rounding."
        )
    if fewest:
        return (
            "It has the fewest bits of all measured settings: over these rates finer rounding "
            "saves less than its longer code costs."
        )
    return (
        "With fewer bits rounding costs more than it saves; with more bits the code grows faster "
        "than the loss falls."
    )


def bits_reading(setting: Setting, several: bool, ratios: Ratios) -> None:
    """How to read loss and bound against total bits.

    Args:
        several: whether there are models of several sizes, and so lines.
        ratios: tokens per parameter of the models.
    """
    beside = f"{setting.family.label} beside float formats"
    if not several:
        show.caption(
            f"{beside}; each point is one setting of the same model. Lower and further left is "
            "better, for the loss (left) and for the bound (right). Hollow: not a certificate."
        )
        return
    more = "; a larger model of this suite also saw more text" if ratios.is_one else ""
    show.caption(
        f"{beside}; each line is one setting, from the smallest model to the largest. At a given "
        "number of total bits, the lowest line shows the best use of them, for the loss (left) "
        f"and for the bound (right){more}. Hollow: not a certificate. After Dettmers & "
        "Zettlemoyer 2023, *The case for 4-bit precision*."
    )


def layers_reading(layers: pd.DataFrame) -> None:
    """How to read predicted against measured loss of layers."""
    linear = layers[layers["kind"] == "linear"]
    rounded = without_feedback(layers)
    prediction = (
        r"$\mathrm{step}^2/12 \cdot \mathrm{tr}(H)$: rounding to nearest has no feedback"
        if rounded
        else r"$\mathrm{step}^2/12 \cdot \mathrm{tr}(D)$, from the Cholesky factor of $H$ (QuIP)"
    )
    column = "predicted_rounding_proxy_loss" if rounded else "predicted_proxy_loss"
    ratio = (
        f"; median of measured over predicted in {counted(len(linear), 'linear layer')}: "
        f"{(linear['proxy_loss'] / linear[column]).median():.2f}"
        if len(linear)
        else ""
    )
    show.caption(
        "Proxy loss: squared error of a layer's outputs, summed over outputs and averaged over "
        rf"inputs. It is $\mathrm{{tr}}((W_q-W)H(W_q-W)^\top)$ with $H$ the second moment of the "
        f"inputs. Predicted: {prediction}{ratio}. An embedding has a diagonal $H$, so there is "
        "no error to feed back. The prediction assumes uniform rounding errors and ignores the "
        "ends of the grid."
    )


def no_rotation(rotated: list[str]) -> None:
    """The note that rotation was not measured on this model, and where it was.

    Args:
        rotated: from ``quantization.rotated``.
    """
    models = listed([escaped(model_id) for model_id in rotated]) if rotated else ""
    show.info(
        "This model was not quantized by LDLQ both with and without rotation; "
        f"{models} {agree(len(rotated), 'was', 'were')}."
        if models
        else "This suite has no model quantized by LDLQ both with and without rotation."
    )


def rotation_reading(ratios: pd.DataFrame) -> None:
    """The cases in which rotation helps, and in which the prediction is right."""
    helped = ratios["measured_ratio"] < 1
    agreed = helped == (ratios["predicted_ratio"] < 1)
    show.caption(
        "LDLQ with rotation over LDLQ without, for each layer and bitrate: below 1 rotation "
        f"helps. It does in {helped.sum()} of {counted(len(ratios), 'case')}. The prediction is "
        f"on the correct side of 1 in {agreed.sum()}. Rotation spreads outliers, which narrows "
        "the range of a clipped grid. It also mixes small rows with large ones, which share a "
        "step."
    )


def spending(found: pd.DataFrame) -> None:
    """What the bits of the entropy-coded file are spent on.

    Args:
        found: from ``quantization.spending``.
    """
    if found.empty:
        return
    parts = found[["codes_bits", "table_bits", "scale_bits"]].sum()
    codes, tables, scales = (f"{share:.1%}" for share in parts / parts.sum())
    kinds = found.groupby("kind")["share_of_file"].sum().sort_values(ascending=False)
    shares = listed([f"{_KINDS[kind]} {share:.1%}" for kind, share in kinds.items()])
    show.caption(
        f"The entropy-coded file has {parts.sum() / 8:,.0f} bytes: {codes} are codes of weights, "
        f"{tables} tables of how often each code occurs, and {scales} scales. By kind: {shares}. "
        "The table *File* below lists every tensor."
    )


def feedback_exceptions(counts: pd.Series, exceptions: pd.DataFrame) -> None:
    """Layers where error feedback is worse than rounding, and the likely cause.

    Args:
        counts: from ``quantization.feedback_counts``.
        exceptions: from ``quantization.exceptions``.
    """
    if not counts["layers"]:
        show.caption("No linear layer was quantized with error feedback.")
        return
    unclipped, two_bits = int(counts["step_layers"]), int(counts["two_bits"])
    text = (
        "Error feedback against rounding to nearest on the same grid, over all models and "
        f"quantizers. From 3 bits on its loss is smaller in {counts['layers'] - counts['lost']:,} "
        f"of {counted(int(counts['layers']), 'linear layer')}"
    )
    if unclipped:
        lost = counts["step_lost"]
        text += f" (unclipped grids: {counted(unclipped, 'layer')}, {lost} with a larger loss)"
    if two_bits:
        text += f"; at 2 bits in {two_bits - counts['two_bits_lost']} of {two_bits}"
    show.caption(f"{text}.")
    if exceptions.empty:
        return
    with st.expander(
        f"Where error feedback is worse than rounding, from 3 bits on: {len(exceptions)}",
        icon=":material/rule:",
    ):
        show.markdown(
            "A likely cause is the end of a clipped grid. Feedback pushes a weight beyond it, the "
            "weight is clipped there, and that error is fed back again. The last two columns "
            "compare the share of codes at the ends with and without feedback."
        )
        show.dataframe(exceptions, "Layers where error feedback is worse than rounding")


def predicted_rows(laws: dict[str, Law], unit: Unit) -> list[tuple[str, Law, str]]:
    """Laws at one setting, for a size that was not measured."""
    return [
        ("Quantization gap", laws["quantization_gap"], unit.label),
        ("Stored", laws["stored_bits"], "bits/parameter"),
        ("Entropy-coded", laws["entropy_coded_bits"], "bits/parameter"),
    ]
