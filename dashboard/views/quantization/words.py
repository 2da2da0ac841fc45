"""The words of the page *Quantization*: what its charts show and how to read them."""

import pandas as pd
import streamlit as st

from bounds.printed import upper_text
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law
from dashboard.analysis.laws.ratios import Ratios
from dashboard.artifacts.settings import Setting
from dashboard.style.escaping import escaped
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.numbers import number_label
from dashboard.style.plural import agree, counted, listed
from dashboard.ui.drawing import show

#: Where no quantized model can be compared with the trained one.
NO_GAPS = "This suite has no quantized model at another setting: there is no gap to show."


def introduction() -> None:
    """What the page is about."""
    show.markdown(
        "Fewer bits make a shorter code, and so a smaller complexity term; they also round the "
        "weights more coarsely, and the loss grows. The bound weighs the two against each other."
    )


def gap_reading() -> None:
    """How to read the gap against nominal bits."""
    show.caption(
        "Loss of the quantized model less that of the trained one. On a clipped grid the bits are "
        "$b$; on an unclipped one the entropy of its codes. Large points: all training tokens; "
        "small: sampled windows. Bars are two standard errors each way, from windows that both "
        "models were scored on: how the gap would vary over other windows like these (large "
        "points), or how far it may be from that over all of them (small ones). Gaps of 0 or less "
        "have no place on the axis."
    )


def one_gap(row: pd.Series, unit: Unit) -> None:
    """The gap at the chosen setting, where no other size has one to be drawn against.

    Args:
        row: of ``quantization.gaps``.
    """
    show.metric(
        st.container(),
        f"Quantization gap, {row['setting']}, {unit.label}",
        number_label(row["quantization_gap_nats"]).replace("-", "−"),
        f"± {row['gap_se_nats']:.2g} standard error",
    )
    show.caption(f"Of **{escaped(row['model_id'])}**, the only size measured at this setting.")


def rate_reading() -> None:
    """How to read the gap against coded bits."""
    show.caption(
        "The same gaps against what the whole model really comes to in an entropy-coded file: "
        "scales, norms and tables included. Lower and further left is better."
    )


def bound_reading(bounds: pd.DataFrame, code: str, unit: Unit, sampled: bool) -> None:
    """Which rate bounds best, why, and whether that may be chosen.

    Args:
        bounds: from ``quantization.bounds_by_rate``, one model.
    """
    best = bounds[bounds["best"]].iloc[0]
    scored = "windows of both kinds were scored" if sampled else "all training tokens were scored"
    show.caption(
        f"Ringed, the smallest of all measured: {best['setting']}, gap "
        f"{upper_text(best['bound_gap_nats'])} {unit.label}, code length {CODE_LABELS[code]}. "
        f"{_why_there(bounds, best)} A code's header names its setting, so choosing it "
        "afterwards is paid for"
        + (", and the sampling's share of δ is divided among all settings" if sampled else "")
        + f". Only settings at which {scored} have a bound."
    )


#: Rates so near to the highest or lowest measured (as a share) are at that end: files of one rate
#: differ by their scales and tables.
_NEAR_END = 0.05


def _why_there(bounds: pd.DataFrame, best: pd.Series) -> str:
    """Why the best rate is where it is: between others, or at an end of those measured."""
    bits, at = bounds["bits_per_parameter"], best["bits_per_parameter"]
    most, fewest = at >= (1 - _NEAR_END) * bits.max(), at <= (1 + _NEAR_END) * bits.min()
    if most and fewest:
        return "No other rate has a bound."
    if most:
        return (
            "It has the most bits of all measured: over these rates a longer code costs less than "
            "coarser rounding."
        )
    if fewest:
        return (
            "It has the fewest bits of all measured: over these rates finer rounding saves less "
            "than its longer code costs."
        )
    return (
        "With fewer bits rounding costs more than it saves, with more the code grows faster than "
        "the loss falls."
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
        f"{beside}; each line is one setting, from the smallest "
        "model to the largest. At a given number of bits in all, the lowest line says how to spend "
        f"them, for the loss (left) and for the bound (right){more}. Hollow: not a certificate. "
        "After Dettmers & Zettlemoyer 2023, *The case for 4-bit precision*."
    )


def layers_reading(layers: pd.DataFrame) -> None:
    """How to read predicted against measured loss of layers."""
    linear = layers[layers["kind"] == "linear"]
    rounded = layers["quantizer"].iloc[0] == "rtn"
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
        "Proxy loss: squared error of a layer's outputs, summed over them and averaged over "
        r"inputs, $\mathrm{tr}((W_q-W)H(W_q-W)^\top)$ with $H$ the second moment of the inputs. "
        f"Predicted: {prediction}{ratio}. An embedding has a diagonal $H$: there is nothing to "
        "feed back. The prediction takes rounding errors for uniform and knows no ends of a grid."
    )


def no_rotation(rotated: list[str]) -> None:
    """That rotation cannot be judged on this model, and on which ones it can.

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
    """Where rotation helps, and whether theory said so."""
    helped = ratios["measured_ratio"] < 1
    agreed = helped == (ratios["predicted_ratio"] < 1)
    show.caption(
        f"LDLQ with rotation over LDLQ without, layer by layer and bitrate by bitrate: below 1 "
        f"rotation helps. It does in {helped.sum()} of {counted(len(ratios), 'case')}, and the "
        f"prediction is "
        f"on the right side of 1 in {agreed.sum()}. Rotation spreads outliers, which narrows the "
        "range of a clipped grid; it also mixes small rows with large ones, which share a step."
    )


def feedback_exceptions(counts: pd.Series, exceptions: pd.DataFrame) -> None:
    """In how many layers error feedback lost to rounding, which they are, and the likely cause.

    Args:
        counts: from ``quantization.feedback_counts``.
        exceptions: from ``quantization.exceptions``.
    """
    if not counts["layers"]:
        show.caption("No linear layer was quantized with error feedback.")
        return
    unclipped, two_bits = int(counts["step_layers"]), int(counts["two_bits"])
    text = (
        f"Error feedback against rounding to nearest on the same grid, over all models and "
        f"quantizers: from 3 bits on it loses less in {counts['layers'] - counts['lost']} of "
        f"{counted(int(counts['layers']), 'linear layer')}"
    )
    if unclipped:
        text += f" (unclipped grids: {counted(unclipped, 'layer')}, {counts['step_lost']} lost)"
    if two_bits:
        text += f"; at 2 bits in {two_bits - counts['two_bits_lost']} of {two_bits}"
    show.caption(f"{text}.")
    if exceptions.empty:
        return
    with st.expander(
        f"Where error feedback does worse than rounding, from 3 bits on: {len(exceptions)}",
        icon=":material/rule:",
    ):
        show.markdown(
            "What can go wrong is the end of a clipped grid: feedback pushes a weight beyond it, "
            "the weight is cut off there, and that error is passed on in turn. The last two "
            "columns compare how many codes lie at the ends with and without feedback."
        )
        show.dataframe(exceptions, "Where error feedback does worse than rounding")


def predicted_rows(laws: dict[str, Law], unit: Unit) -> list[tuple[str, Law, str]]:
    """Laws at one setting, for a size that nobody measured."""
    return [
        ("Quantization gap", laws["quantization_gap_nats"], unit.label),
        ("Stored", laws["stored_bits"], "bits/parameter"),
        ("Entropy-coded", laws["entropy_coded_bits"], "bits/parameter"),
    ]
