"""The words of the page *Curvature*."""

import math

import pandas as pd
import streamlit as st

from bounds.prediction import Agreement
from dashboard.curvature import BAND, MATRICES
from dashboard.predicted_gap import FITTED_BITS, PREDICTORS, Predictor

#: The symbol of each matrix in formulas.
SYMBOLS = {"gauss_newton": "G", "hessian": "H"}


QUANTIZER_HELP = (
    "Whose measured gaps the prediction is compared with, at every bitrate and model size. It is "
    "made for rounding with error feedback (GPTQ, LDLQ), best after a rotation."
)


def introduction() -> None:
    """Why a decaying spectrum makes a model quantizable."""
    st.markdown(
        "Rounding moves every weight a little. How much the loss rises depends on its "
        r"**curvature**: a step $e$ costs about $\tfrac12 e^\top H e$, with $H$ the second "
        r"derivatives of the mean token loss in all $n$ weights. Careless rounding spreads $e$ "
        r"evenly over all directions and pays in proportion to $\mathrm{Tr}(H)$. Rounding *with "
        "error feedback* (GPTQ, LDLQ) steers $e$ into directions where the loss is flat, and pays "
        r"in proportion to $\mathrm{Tr}(\sqrt{H})^2/n$ instead. The two are equal if all "
        "directions are curved alike; if a few are steep and most are flat, the second is far "
        "smaller. So **the faster the spectrum decays, the fewer bits a weight needs**."
    )


def matrix_help() -> str:
    """What the two matrices are."""
    return (
        "**Hessian**: all second derivatives of the loss; some of its eigenvalues are negative.\n\n"
        "**Gauss–Newton**: the part of the Hessian that would be left if the model were linear in "
        "its weights. Never negative, and after training the larger part: its root is well "
        "defined, and its estimate comes with a bracket."
    )


def spectrum_reading(point: pd.Series, matrix: str) -> None:
    """What the density shows."""
    symbol = SYMBOLS[matrix]
    text = (
        f"{point['windows']:,} training windows, {point['probes']} random vectors, "
        f"{point['steps']} Lanczos steps each; the band is {BAND:g} standard errors over vectors. "
        "The dashed line is 0: nearly all directions lie there, flat. "
        rf"$\mathrm{{Tr}}({symbol})$ = {_pm(point, 'trace')}, "
        rf"$\mathrm{{Tr}}(\sqrt{{{symbol}}})$ = {_pm(point, 'trace_sqrt')}"
    )
    if matrix == "hessian":
        text += f"; eigenvalues below 0 sum to −{point['negative']:.0%} of the trace"
    st.caption(f"{text}.")


def _pm(point: pd.Series, key: str) -> str:
    return f"{point[key]:.4g} ± {point[f'{key}_se']:.2g}"


def share(fraction: float) -> str:
    """``1/32``, ``1``."""
    return f"1/{1 / fraction:.0f}" if fraction < 1 else f"{fraction:g}"


def not_measured(what: str, matrix: str) -> str:
    """Where this suite has one value only of what would be the horizontal axis."""
    return (
        f"{what}: in this suite the {MATRICES[matrix]} matrix was measured at one value only. "
        "Choose the other matrix, or ask for more in the preset."
    )


def training_reading(fractions: dict[float, str], matrix: str) -> None:
    """What the spectra over training show."""
    if len(fractions) < 2:
        st.info(not_measured("Share of training", matrix))
        return
    st.caption(
        f"From {min(fractions.items())[1]} of the training to its end, the same windows and the "
        "same random vectors each time, so that what differs is the model. Only the last one has "
        "had its learning rate lowered (over the last 30 % of the steps)."
    )


def size_reading(points: pd.DataFrame, matrix: str) -> None:
    """How to read the laws, and how far the root's trace is known."""
    unresolved = (points["quadrature_error"] / points["trace_sqrt"]).median()
    if matrix == "gauss_newton":
        known = (
            r"The exact $\mathrm{Tr}(\sqrt{G})$ of the same random vectors lies between the value "
            "shown, which counts as 0 what Lanczos cannot tell from 0, and one that is "
            f"{unresolved:.0%} higher (median over models)."
        )
    else:
        known = (
            r"$\mathrm{Tr}(\sqrt{H})$ takes eigenvalues below 0 as 0. Lanczos cannot tell apart "
            "the many that lie near 0 on both sides; the value shown counts them as 0 too, so it "
            f"is rather low. Another rule that does not comes out {unresolved:.0%} away (median "
            "over models), and neither is a bound: the Gauss–Newton matrix is the one to trust."
        )
    st.caption(
        "Bars are two standard errors over random vectors, bands 95 % bootstrap intervals over "
        "models, drawn over the measured sizes only; so few small sizes say nothing about large "
        f"ones. {known} *Evenness* is 1 if all eigenvalues are alike: it is the share that "
        "feedback leaves of the error without feedback."
    )


def windows_reading() -> None:
    """Why the number of windows matters."""
    st.caption(
        "A mean over few windows has few directions of its own, so the root's trace grows with "
        "their number until they cover what the training text bends; the trace itself has no such "
        "bias. Smaller sets of windows are part of the larger ones."
    )


def settings_table(frame: pd.DataFrame) -> None:
    """Traces of one model with its weights as trained, and quantized."""
    st.dataframe(
        pd.DataFrame(
            {
                "weights": frame["setting"],
                "Tr": frame["trace"],
                "± ": frame["trace_se"],
                "Tr √": frame["trace_sqrt"],
                "±": frame["trace_sqrt_se"],
                "below 0, share of Tr": frame["negative"],
                "evenness": frame["evenness"],
            }
        ),
        hide_index=True,
        column_config={
            column: st.column_config.NumberColumn(format=form)
            for column, form in {
                "Tr": "%.2f",
                "± ": "%.2f",
                "Tr √": "%.1f",
                "±": "%.1f",
                "below 0, share of Tr": "%.3f",
                "evenness": "%.2e",
            }.items()
        },
    )


def predictor_of(label: str) -> Predictor:
    """The predictor with this label."""
    return next(p for p in PREDICTORS if p.label == label)


def agreement_table(agreements: dict[str, tuple[Agreement, Agreement] | str]) -> None:
    """R squared of every predictor, without and with 2 bits."""
    lines = [
        f"| prediction | (2^b − 1)⁻² times | R², from {FITTED_BITS} bits | typical factor off "
        "| R², with 2 bits |",
        "|---|---|--:|--:|--:|",
    ]
    for predictor in PREDICTORS:
        found = agreements[predictor.key]
        if isinstance(found, str):
            cells = f"| {found} | | |"
        else:
            fine, all_bits = found
            factor = math.exp(fine.log_residual_rms)
            cells = f"| {fine.r_squared:.3f} | {factor:.2f} | {all_bits.r_squared:.3f} |"
        lines.append(f"| {predictor.label} | ${predictor.formula}$ {cells}")
    st.markdown("\n".join(lines))


def prediction_reading(clear: int, every: int) -> None:
    """What is predicted, and what was fitted."""
    st.caption(
        r"Each prediction is $(2^b-1)^{-2}$ times what stands in the table, in the quantized "
        r"parameters alone ($\overline{w^2}$ their mean squared weight; $H_l$, $m_l \times n_l$ "
        "second moment of the inputs and shape of layer $l$), times **one** constant, fitted to "
        f"all models from {FITTED_BITS} bits on by least squares of logarithms. R² is of the "
        f"logarithm of the gap. {clear} of {every} gaps are above 0 by two standard errors; the "
        "others are left out."
    )


def quadratic_reading(jump: float | None) -> None:
    """Where the quadratic picture holds, and where it breaks."""
    text = (
        "Right: where a line is level, the gap shrinks with the square of the grid's step, as it "
        "must while rounding is a small step and the loss a parabola."
    )
    if jump is not None:
        text += (
            f" At fewer than {FITTED_BITS} bits the gap is {jump:.2g} times what the finer rates "
            "of the same model say (median over models): "
            + (
                "there the parabola no longer holds."
                if abs(math.log(jump)) > math.log(1.25)
                else "here even that is near the parabola."
            )
        )
    st.caption(text)


def convergence_reading(matrix: str) -> None:
    """What the two charts of convergence say."""
    inside = (
        "the exact value lies between the two"
        if matrix == "gauss_newton"
        else "with eigenvalues of both signs near 0 the Gauss rule jumps from step to step"
    )
    st.caption(
        "Left: one rule counts what lies near 0 as 0, the other puts it at a node beside 0; "
        f"{inside}. Right: what more random vectors add. Bands are two standard errors."
    )
