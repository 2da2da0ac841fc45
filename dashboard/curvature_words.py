"""The words of the page *Curvature*."""

import math

import pandas as pd
import streamlit as st

from bounds import PowerLaw
from bounds.prediction import Agreement
from dashboard import show
from dashboard.certificates import plain
from dashboard.curvature import BAND, MATRICES
from dashboard.laws import exponent_in_words
from dashboard.numbers import number_label
from dashboard.predicted_gap import FITTED_BITS, PREDICTORS, Jump

#: The symbol of each matrix in formulas and on axes.
SYMBOLS = {"gauss_newton": "G", "hessian": "H"}

MATRIX_HELP = (
    "**Hessian**: all second derivatives of the loss; some of its eigenvalues are negative.\n\n"
    "**Gauss–Newton**: the part of the Hessian that would be left if the model were linear in its "
    "weights. Never negative, and after training the larger part: its root is well defined, and "
    "the two rules that estimate it enclose the exact value."
)

QUANTIZER_HELP = (
    "Whose measured gaps the prediction is compared with, at every bitrate and model size. It is "
    "made for rounding with error feedback (GPTQ, LDLQ), best after a rotation."
)

PREDICTOR_HELP = "What the two charts show. The table compares all of them."


def introduction() -> None:
    """Why a decaying spectrum should make a model quantizable."""
    show.markdown(
        "Rounding moves every weight a little. How much the loss rises depends on its "
        r"**curvature**: a step $e$ costs about $\tfrac12 e^\top H e$, with $H$ the second "
        r"derivatives of the mean token loss in all $n$ weights. Careless rounding spreads $e$ "
        r"evenly over all directions and pays in proportion to $\mathrm{Tr}(H)$. Rounding *with "
        "error feedback* (GPTQ, LDLQ) steers $e$ into directions where the loss is flat; at its "
        r"best it pays in proportion to $\mathrm{Tr}(\sqrt{H})^2/n$ instead. The two are equal if "
        "all directions are curved alike; if a few are steep and most are flat, the second is far "
        "smaller. So in theory **the faster the spectrum decays, the fewer bits a weight needs**. "
        "Below: the spectra, their traces, and how far that prediction carries."
    )


def spectrum_reading(point: pd.Series, matrix: str) -> None:
    """What the density shows."""
    symbol = SYMBOLS[matrix]
    text = (
        f"{_effort(point)} The band is {BAND:g} standard errors over vectors. Around the dashed "
        "line, 0, nearly all directions lie: the method finds a few dozen eigenvalues with their "
        "shares, and cannot tell apart what is near 0; the bell curves smear that to both sides. "
        rf"$\mathrm{{Tr}}({symbol})$ = {_pm(point, 'trace')}, "
        rf"$\mathrm{{Tr}}(\sqrt{{{symbol}}})$ from {_pm(point, 'trace_sqrt')} to about "
        f"{number_label(point['trace_sqrt_top'])}, as what lies near 0 is counted."
    )
    if matrix == "hessian":
        text += f" Eigenvalues below 0 sum to −{point['negative']:.0%} of the trace or more."
    show.caption(text)


def _effort(point: pd.Series) -> str:
    return (
        f"{point['windows']:,} training windows, {point['probes']} random vectors, "
        f"{point['steps']} steps of the Lanczos method for each."
    )


def _pm(point: pd.Series, key: str) -> str:
    return f"{point[key]:.4g} ± {point[f'{key}_se']:.2g}"


def share(fraction: float) -> str:
    """``1/32``, ``1``."""
    return f"1/{1 / fraction:.0f}" if fraction < 1 else f"{fraction:g}"


def training_reading(fractions: dict[float, str]) -> None:
    """What the spectra over training show."""
    show.caption(
        f"From {fractions[min(fractions)]} of the training to its end, the same windows and the "
        "same random vectors each time, so that what differs is the model. The learning rate is "
        "lowered towards the end only: the last model alone has had that."
    )


def no_training_reading(over_training: pd.DataFrame, matrix: str) -> None:
    """That this model was measured at the end of training alone, and of which there is more.

    Args:
        over_training: from ``curvature.over_training``.
        matrix: a key of ``MATRICES``.
    """
    shares = over_training.groupby("model_id", sort=False)["train_fraction"].nunique()
    others = ", ".join(plain(model_id) for model_id in shares.index[shares > 1])
    text = f"Over training the {MATRICES[matrix]} matrix was not measured here"
    show.caption(f"{text}; it was of {others}." if others else f"{text}.")


def size_reading(points: pd.DataFrame, top_law: PowerLaw | str, matrix: str) -> None:
    """How to read the laws, and how far the root's trace is known."""
    symbol = SYMBOLS[matrix]
    times = (points["trace_sqrt_top"] / points["trace_sqrt"]).median()
    known = (
        "The exact value for the same vectors lies in between, but for rounding."
        if matrix == "gauss_newton"
        else "With eigenvalues of both signs near 0 neither end is a bound: look at the "
        "Gauss–Newton matrix for one."
    )
    show.caption(
        "Thick bars are two standard errors over random vectors; bands are 95 % bootstrap "
        "intervals over models, dashed laws are extrapolated, and so few small sizes say "
        f"nothing about large ones. The value of $\\mathrm{{Tr}}(\\sqrt{{{symbol}}})$ counts as "
        "0 what cannot be told from 0. The dotted line ends where it is counted otherwise, "
        f"{times:.2g} times as high (median over models); a law through those ends: "
        f"{exponent_in_words(top_law)}. {known} *Evenness* is 1 if all eigenvalues are alike: the "
        "share that feedback through the whole matrix would leave of the loss without feedback."
    )


def convergence_reading(steps: pd.DataFrame, matrix: str) -> None:
    """What the two charts of convergence say."""
    inside = (
        "and the exact value lies between the two"
        if matrix == "gauss_newton"
        else "and with eigenvalues of both signs there it jumps from step to step"
    )
    show.caption(
        f"{_effort(steps.loc[steps['steps'].idxmax()])} Left: one rule counts what lies near 0 "
        f"as 0; the other, the Gauss rule, puts it all at one node beside 0, {inside}. Right: "
        "estimates from the first so many vectors, over those from all; the trace here is that of "
        "the same vectors (Hutchinson), and elsewhere on this page its mean with XTrace, another "
        "estimate from vectors of its own. Bands are two standard errors."
    )


def windows_reading() -> None:
    """Why the number of windows matters."""
    show.caption(
        "A mean over few windows bends in few directions, so the root's trace of the Gauss–Newton "
        "matrix grows with their number until they stand for the whole training text; the trace "
        "itself has no such bias. Smaller sets of windows are part of the larger ones. Bars and "
        "dotted lines as above."
    )


def settings_table(frame: pd.DataFrame) -> None:
    """Traces of one model with its weights as trained, and quantized."""
    columns = {
        "weights": ("setting", None),
        "Tr": ("trace", "%.2f"),
        "± Tr": ("trace_se", "%.2f"),
        "Tr √, at least": ("trace_sqrt", "%.1f"),
        "± Tr √": ("trace_sqrt_se", "%.1f"),
        "Tr √, other rule": ("trace_sqrt_top", "%.1f"),
        "below 0, share of Tr": ("negative", "%.3f"),
        "evenness": ("evenness", "%.2e"),
    }
    show.dataframe(
        pd.DataFrame({shown: frame[key] for shown, (key, _) in columns.items()}),
        "At quantized weights",
        column_config={
            shown: st.column_config.NumberColumn(format=form)
            for shown, (_, form) in columns.items()
            if form
        },
    )


def agreement_table(agreements: dict[str, tuple[Agreement, Agreement] | str]) -> None:
    """R squared of every predictor, without and with 2 bits."""
    lines = [
        f"| prediction | (2^b − 1)⁻² times | R², from {FITTED_BITS} bits | beyond the bits "
        "| typical factor off | R², with 2 bits |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for predictor in PREDICTORS:
        found = agreements[predictor.key]
        if isinstance(found, str):
            cells = f"{found} | | | "
        else:
            fine, all_bits = found
            cells = (
                f"{fine.r_squared:.3f} | {fine.within_r_squared:.2f} "
                f"| {math.exp(fine.log_residual_rms):.2f} | {all_bits.r_squared:.3f}"
            )
        lines.append(f"| {predictor.label} | ${predictor.formula}$ | {cells} |")
    show.markdown("\n".join(lines).replace("-0.00", "0.00"))


def prediction_reading(
    predicted: pd.DataFrame, used: pd.DataFrame, agreements: dict, leaves: float | None
) -> None:
    """What is predicted, what was fitted, and what the numbers say."""
    beyond = {
        p.label: agreements[p.key][0].within_r_squared
        for p in PREDICTORS
        if not isinstance(agreements[p.key], str) and p.key != "bits_alone"
    }
    verdict = ""
    if beyond:
        best = max(beyond, key=beyond.__getitem__)
        better = [label for label, value in beyond.items() if value > 0]
        verdict = (
            f"**Here {', '.join(f'*{label}*' for label in better)} know more of the gap than the "
            "number of bits alone.** "
            if better
            else "**Here none of them knows more of the gap than the number of bits alone**: "
            f"between models of different sizes even the best, *{best}*, is further off than a "
            "constant. "
        )
    fed_back = (
        f" Measured, GPTQ leaves {leaves:.2g} of the gap of rounding to nearest (median), far more "
        "than the evenness of the whole matrix would allow: it feeds errors back inside each layer "
        "only."
        if leaves
        else ""
    )
    show.caption(
        f"{verdict}Each prediction is $(2^b-1)^{{-2}}$ times what stands in the table, in the "
        r"quantized parameters alone ($\overline{w^2}$ their mean squared weight; $H_l$, "
        r"$m_l \times n_l$ second moment of the inputs and shape of layer $l$), times **one** "
        f"constant, fitted to all models from {FITTED_BITS} bits on. R² is of the logarithm of the "
        "gap; *beyond the bits* it is taken after the mean of each bitrate is subtracted, where a "
        "negative one is worse than nothing. All are compared on the same "
        f"{len(used)} gaps of {used['model_id'].nunique()} models; of the {len(predicted)} "
        "measured, those not above 0 by two standard errors are left out, which favours large ones "
        f"where gaps are small.{fed_back}"
    )


def quadratic_reading(jump: Jump | None) -> None:
    """Where the quadratic picture holds, and where it breaks."""
    text = (
        "Right: where a line is level, the gap shrinks with the square of the grid's step, as it "
        "must while rounding is a small step and the loss a parabola."
    )
    if jump is not None:
        breaks = abs(math.log(jump.factor)) > math.log(jump.fine_factor)
        text += (
            f" At fewer than {FITTED_BITS} bits the gap is {jump.factor:.2f} times what the finer "
            f"rates of the same model say (median of {jump.models} models), and those scatter by a "
            f"factor of {jump.fine_factor:.2f} about their own level: "
            + ("there the parabola breaks." if breaks else "no break can be told from that.")
        )
    show.caption(text)


def predicted_rows(
    laws: dict[str, PowerLaw | str], symbol: str
) -> list[tuple[str, PowerLaw | str, str]]:
    """Laws of the traces in model size, for a size that nobody measured."""
    return [
        (f"Tr({symbol})", laws["trace"], "nats/token"),
        (f"Tr(√{symbol})", laws["trace_sqrt"], "√(nats/token)"),
        ("Evenness", laws["evenness"], "share"),
    ]
