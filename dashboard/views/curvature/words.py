"""The text of the page *Curvature*."""

import math

import pandas as pd
import streamlit as st

from bounds.curvature.prediction import Agreement
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_text, several_sizes, too_few
from dashboard.analysis.measured.curvature import BAND, MATRICES
from dashboard.style.escaping import escaped
from dashboard.style.numbers import error_label, number_label
from dashboard.style.plural import agree, counted, listed
from dashboard.ui.drawing import show
from dashboard.views.curvature.predicted_gap import FITTED_BITS, PREDICTORS, Jump

#: The symbol of each matrix in formulas and on axes.
SYMBOLS = {"gauss_newton": "G", "hessian": "H"}


def introduction() -> None:
    """Why a decaying spectrum should make a model easy to quantize."""
    show.markdown(
        "Rounding moves every weight a little. The increase of the loss depends on its "
        r"**curvature**: a step $e$ costs about $\tfrac12 e^\top H e$, with $H$ the second "
        "derivatives of the mean token loss in all $n$ weights. Plain rounding spreads $e$ "
        r"evenly over all directions and costs an amount proportional to $\mathrm{Tr}(H)$. "
        "Rounding *with error feedback* (GPTQ, LDLQ) steers $e$ into directions where the loss "
        r"is flat. At best its cost is proportional to $\mathrm{Tr}(\sqrt{H})^2/n$. The two are "
        "equal if all directions have the same curvature. If a few are steep and most are flat, "
        "the second is far smaller. So in theory **the faster the spectrum decays, the fewer "
        "bits a weight needs**. Below are the spectra, their traces, and a test of that "
        "prediction."
    )


def not_measured(failures: list[str], was_run: bool) -> None:
    """The note that there is nothing to show, with the reason if the artifacts record one.

    Args:
        failures, was_run: from ``curvature.failed``.
    """
    if failures:
        more = f" ({counted(len(failures) - 1, 'other reason')} in *Artifacts*)"
        why = f"It failed or was skipped: {escaped(failures[0])}{more if failures[1:] else ''}."
    elif was_run:
        why = "The measurements do not yet include traces and spectra of a whole, trained model."
    else:
        why = (
            "No unit of this stage was run: it was left out (`--without curvature`), or the "
            "preset does not include it."
        )
    show.info(
        f"This suite has no measurements of a trained model's curvature. {why}",
        icon=":material/inbox:",
    )


def spectrum_reading(point: pd.Series, matrix: str) -> None:
    """The caption of the density."""
    symbol = SYMBOLS[matrix]
    text = (
        f"{_effort(point)} The band is {BAND:g} standard errors over vectors. Almost all "
        "eigenvalues are near the dashed line at 0. The method finds a few dozen nodes with "
        "their shares and does not resolve eigenvalues near 0; the Gaussian curves spread them "
        rf"to both sides. $\mathrm{{Tr}}({symbol})$ = {_pm(point, 'trace')}. "
        rf"$\mathrm{{Tr}}(\sqrt{{{symbol}}})$ is from {_pm(point, 'trace_sqrt')} to about "
        f"{number_label(point['trace_sqrt_top'])}, depending on how eigenvalues near 0 count."
    )
    if matrix == "hessian":
        text += f" Eigenvalues below 0 sum to −{point['negative']:.2f} times the trace, or less."
    show.caption(text)


def _effort(point: pd.Series) -> str:
    return (
        f"{counted(int(point['windows']), 'training window')}, "
        f"{counted(int(point['probes']), 'random vector')}, "
        f"{counted(int(point['steps']), 'step')} of the Lanczos method for each."
    )


def _pm(point: pd.Series, key: str) -> str:
    return f"{point[key]:.4g} ± {error_label(point[f'{key}_se'])}"


def share(fraction: float) -> str:
    """``1/32``, ``1``."""
    return f"1/{1 / fraction:.0f}" if fraction < 1 else f"{fraction:g}"


def training_reading(fractions: dict[float, str]) -> None:
    """The caption of the spectra over training."""
    show.caption(
        f"From {fractions[min(fractions)]} of the training to its end, with the same windows and "
        "the same random vectors, so that only the model differs. The learning rate falls only "
        "towards the end, so only the last model has seen the cooldown."
    )


def no_training_reading(over_training: pd.DataFrame, matrix: str) -> None:
    """The note that this model was measured only at the end of training, and which have more.

    Args:
        over_training: from ``curvature.over_training``.
        matrix: a key of ``MATRICES``.
    """
    shares = over_training.groupby("model_id", sort=False)["train_fraction"].nunique()
    others = [escaped(model_id) for model_id in shares.index[shares > 1]]
    text = f"Over training the {MATRICES[matrix]} matrix was not measured here"
    show.caption(f"{text}; it was measured for {listed(others)}." if others else f"{text}.")


def traces_of_one(point: pd.Series, symbol: str) -> None:
    """The traces and the evenness, if only one size was measured.

    Args:
        point: of ``curvature.traces``.
    """
    numbers = (
        (f"Tr({symbol}), nats/token", "trace"),
        (f"Tr(√{symbol}), √(nats/token)", "trace_sqrt"),
        ("Evenness", "evenness"),
    )
    for column, (label, key) in zip(st.columns(3), numbers, strict=True):
        error = f"± {error_label(point[f'{key}_se'])} standard error"
        show.metric(column, label, number_label(point[key]), error)


def size_reading(points: pd.DataFrame, top_law: Law, matrix: str) -> None:
    """How to read the laws, and the uncertainty of the root's trace."""
    symbol = SYMBOLS[matrix]
    times = (points["trace_sqrt_top"] / points["trace_sqrt"]).median()
    known = (
        "The exact value for the same vectors is in between, except for rounding."
        if matrix == "gauss_newton"
        else "With eigenvalues of both signs near 0 neither end is a bound; for the Gauss–Newton "
        "matrix both are."
    )
    root, few = f"$\\mathrm{{Tr}}(\\sqrt{{{symbol}}})$", too_few(points)
    laws = (
        "bands are 95 % bootstrap intervals over models, dashed laws are extrapolated, and laws "
        "of so few small sizes do not describe large models"
    )
    counts = f"In {root}, eigenvalues that are not resolved count as 0."
    if several_sizes(points):
        text = (
            f"Thick bars are two standard errors over random vectors; {laws}. {counts} The dotted "
            f"line ends at the other rule's value, {times:.2g} times as high (median over "
            f"models). A law through those ends: {exponent_text(top_law)}. "
            if few is None
            else f"Thick bars are two standard errors over random vectors. {few} {counts} The "
            f"dotted line ends at the other rule's value, {times:.2g} times as high (median "
            "over models). "
        )
    else:
        text = f"{counts} The other rule's value is {times:.2g} times as high. "
    show.caption(
        f"{text}{known} *Evenness* is 1 if all eigenvalues are equal: the share of the loss "
        "without feedback that remains with feedback through the whole matrix."
    )


def convergence_reading(steps: pd.DataFrame, matrix: str) -> None:
    """The caption of the two charts of convergence."""
    inside = (
        "and the exact value is between the two"
        if matrix == "gauss_newton"
        else "and with eigenvalues of both signs it jumps from step to step"
    )
    show.caption(
        f"{_effort(steps.loc[steps['steps'].idxmax()])} Left: one rule counts eigenvalues near 0 "
        f"as 0; the Gauss rule puts them all at one node near 0, {inside}. Right: estimates from "
        "the first vectors, divided by those from all. The trace here is Hutchinson's, from the "
        "same vectors. Elsewhere on this page it is the mean with XTrace, an estimate from other "
        "vectors. Bands are two standard errors."
    )


def windows_reading() -> None:
    """Why the number of windows matters."""
    show.caption(
        "Few windows give a low-rank matrix, so the root's trace of the Gauss–Newton matrix grows "
        "with their number until they represent the whole training text. The trace itself has no "
        "such bias. Smaller sets of windows are part of the larger ones. Bars and dotted lines as "
        "above."
    )


def settings_table(frame: pd.DataFrame) -> None:
    """Traces of one model with its weights as trained, and quantized."""
    columns = {
        "weights": ("setting", None),
        "Tr": ("trace", "%.2f"),
        "± Tr": ("trace_se", "%.2f"),
        "Tr √ (lower)": ("trace_sqrt", "%.1f"),
        "± Tr √": ("trace_sqrt_se", "%.1f"),
        "Tr √ (other rule)": ("trace_sqrt_top", "%.1f"),
        "eigenvalues below 0, share of Tr": ("negative", "%.3f"),
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


def agreement_table(agreements: dict[str, tuple[Agreement, Agreement] | Unfitted]) -> None:
    """The table of R squared of every predictor, without and with 2 bits."""
    lines = [
        f"| prediction | (2^b − 1)⁻² times | R², from {FITTED_BITS} bits | R² within bit widths | "
        "typical factor of error | R², with 2 bits |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for predictor in PREDICTORS:
        found = agreements[predictor.key]
        if isinstance(found, Unfitted):
            cells = f"{found.reason} | | | "
        else:
            fine, all_bits = found
            cells = (
                f"{fine.r_squared:.3f} | {fine.within_r_squared:.2f} "
                f"| {math.exp(fine.log_residual_rms):.2f} | {all_bits.r_squared:.3f}"
            ).replace("-", "−")
        lines.append(f"| {predictor.label} | ${predictor.formula}$ | {cells} |")
    show.markdown("\n".join(lines).replace("-0.00", "0.00"))


def prediction_reading(
    predicted: pd.DataFrame, used: pd.DataFrame, agreements: dict, leaves: float | None
) -> None:
    """The caption of the predictions: definition, fit, and the result."""
    beyond = {
        p.label: agreements[p.key][0].within_r_squared
        for p in PREDICTORS
        if not isinstance(agreements[p.key], Unfitted) and p.key != "bits_alone"
    }
    verdict = ""
    if beyond:
        best = max(beyond, key=beyond.__getitem__)
        better = [label for label, value in beyond.items() if value > 0]
        verdict = (
            f"**Here {listed([f'*{label}*' for label in better])} "
            f"{agree(len(better), 'predicts', 'predict')} the gap better than bit width alone.** "
            if better
            else "**Here none of them predicts the gap better than bit width alone**: between "
            f"models of different sizes the best one, *{best}*, is less accurate than a constant. "
        )
    show.caption(
        f"{verdict}Each prediction is $(2^b-1)^{{-2}}$ times the factor in the table, times "
        f"**one** constant, fitted to all models from {FITTED_BITS} bits on. The factors refer "
        rf"to the quantized parameters, with $\overline{{w^2}}$ their mean squared weight. $H_l$ "
        r"is the second moment of the inputs of layer $l$, and $m_l \times n_l$ its shape. R² is "
        "of the logarithm of the gap. *Within bit widths* it is taken after subtracting the "
        "mean of each bitrate; a negative value is worse than no prediction. All are compared "
        f"on the same {counted(len(used), 'gap')} of "
        f"{counted(used['model_id'].nunique(), 'model')}. Of the {len(predicted)} measured gaps, "
        "those not above 0 by two standard errors are left out, which favours large ones where "
        f"gaps are small.{_fed_back(leaves)}"
    )


def too_few_gaps(used: pd.DataFrame, agreements: dict, leaves: float | None) -> None:
    """The note that no prediction can be judged, and the measurements that exist.

    Args:
        used: from ``predicted_gap.comparable``.
        agreements: from ``predicted_gap.agreements``, a reason for each.
    """
    reasons = listed(list(dict.fromkeys(agreements.values())))
    show.info(
        "The predictions cannot be compared here: this takes at least 3 models with gaps above 0 "
        f"by two standard errors, and {counted(used['model_id'].nunique(), 'model')} "
        f"{agree(used['model_id'].nunique(), 'has', 'have')} them."
        if used["model_id"].nunique() < 3
        else f"The predictions cannot be compared here: {reasons}.",
        icon=":material/inbox:",
    )
    if leaves:
        show.caption(_fed_back(leaves).strip())


def _fed_back(leaves: float | None) -> str:
    return (
        f" The measured gap of GPTQ is {leaves:.2g} of the gap of rounding to nearest (median). "
        "Feedback through the whole matrix could reach its evenness; GPTQ feeds errors back only "
        "within each layer."
        if leaves
        else ""
    )


def quadratic_reading(jump: Jump | None) -> None:
    """Where the quadratic approximation holds, and where it fails."""
    text = (
        "Right: where a line is level, the gap shrinks with the square of the grid's step. This "
        "holds if rounding steps are small and the loss is quadratic."
    )
    if jump is not None:
        breaks = abs(math.log(jump.factor)) > math.log(jump.fine_factor)
        text += (
            f" At fewer than {FITTED_BITS} bits the gap is {jump.factor:.2f} times the "
            "extrapolation from the finer rates of the same model (median of "
            f"{counted(jump.models, 'model')}). The finer rates scatter by a factor of "
            f"{jump.fine_factor:.2f} about their own level: "
            + ("the approximation fails there." if breaks else "this does not show a failure.")
        )
    show.caption(text)


def predicted_rows(laws: dict[str, Law], symbol: str) -> list[tuple[str, Law, str]]:
    """Laws of the traces in model size, for a size that was not measured."""
    return [
        (f"Tr({symbol})", laws["trace"], "nats/token"),
        (f"Tr(√{symbol})", laws["trace_sqrt"], "√(nats/token)"),
        ("Evenness", laws["evenness"], "share"),
    ]
