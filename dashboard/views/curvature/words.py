"""The words of the page *Curvature*."""

import math

import pandas as pd
import streamlit as st

from bounds.prediction import Agreement
from dashboard.analysis.laws.fits import Law, Unfitted, exponent_in_words, several_sizes, too_few
from dashboard.analysis.measured.curvature import BAND, MATRICES
from dashboard.style.escaping import escaped
from dashboard.style.numbers import number_label
from dashboard.style.plural import agree, counted, listed
from dashboard.ui.drawing import show
from dashboard.views.curvature.predicted_gap import FITTED_BITS, PREDICTORS, Jump

#: The symbol of each matrix in formulas and on axes.
SYMBOLS = {"gauss_newton": "G", "hessian": "H"}


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


def not_measured(failures: list[str], was_run: bool) -> None:
    """That there is nothing to show, and as far as the artifacts know, why.

    Args:
        failures, was_run: from ``curvature.failed``.
    """
    if failures:
        more = f" ({counted(len(failures) - 1, 'other reason')} in *Artifacts*)"
        why = f"It failed or was skipped: {escaped(failures[0])}{more if failures[1:] else ''}."
    elif was_run:
        why = "What was measured is not yet the traces and spectra of a whole, trained model."
    else:
        why = (
            "No unit of this stage was run: it was left out (`--without curvature`), or the preset "
            "does not ask for it."
        )
    show.info(
        f"This suite holds no measurements of a trained model's curvature. {why}",
        icon=":material/inbox:",
    )


def spectrum_reading(point: pd.Series, matrix: str) -> None:
    """What the density shows."""
    symbol = SYMBOLS[matrix]
    text = (
        f"{_effort(point)} The band is {BAND:g} standard errors over vectors. Around the dashed "
        "line, 0, nearly all directions lie: the method finds a few dozen eigenvalues with their "
        "shares, and does not resolve what is near 0; the bell curves smear that to both sides. "
        rf"$\mathrm{{Tr}}({symbol})$ = {_pm(point, 'trace')}, "
        rf"$\mathrm{{Tr}}(\sqrt{{{symbol}}})$ from {_pm(point, 'trace_sqrt')} to about "
        f"{number_label(point['trace_sqrt_top'])}, as what lies near 0 is counted."
    )
    if matrix == "hessian":
        text += (
            f" Eigenvalues below 0 sum to −{point['negative']:.2f} times the trace, or further "
            "below 0."
        )
    show.caption(text)


def _effort(point: pd.Series) -> str:
    return (
        f"{counted(int(point['windows']), 'training window')}, "
        f"{counted(int(point['probes']), 'random vector')}, "
        f"{counted(int(point['steps']), 'step')} of the Lanczos method for each."
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
    others = [escaped(model_id) for model_id in shares.index[shares > 1]]
    text = f"Over training the {MATRICES[matrix]} matrix was not measured here"
    show.caption(f"{text}; it was of {listed(others)}." if others else f"{text}.")


def traces_of_one(point: pd.Series, symbol: str) -> None:
    """The traces and the evenness, where one size alone was measured.

    Args:
        point: of ``curvature.traces``.
    """
    numbers = (
        (f"Tr({symbol}), nats/token", "trace"),
        (f"Tr(√{symbol}), √(nats/token)", "trace_sqrt"),
        ("Evenness", "evenness"),
    )
    for column, (label, key) in zip(st.columns(3), numbers, strict=True):
        error = f"± {point[f'{key}_se']:.2g} standard error"
        show.metric(column, label, number_label(point[key]), error)


def size_reading(points: pd.DataFrame, top_law: Law, matrix: str) -> None:
    """How to read the laws, and how far the root's trace is known."""
    symbol = SYMBOLS[matrix]
    times = (points["trace_sqrt_top"] / points["trace_sqrt"]).median()
    known = (
        "The exact value for the same vectors lies in between, but for rounding."
        if matrix == "gauss_newton"
        else "With eigenvalues of both signs near 0 neither end is a bound: look at the "
        "Gauss–Newton matrix for one."
    )
    root, few = f"$\\mathrm{{Tr}}(\\sqrt{{{symbol}}})$", too_few(points)
    laws = (
        "bands are 95 % bootstrap intervals over models, dashed laws are extrapolated, and so few "
        "small sizes say nothing about large ones"
    )
    counts = f"In {root}, eigenvalues that are not resolved count as 0."
    if several_sizes(points):
        text = (
            f"Thick bars are two standard errors over random vectors; {laws}. {counts} The dotted "
            f"line ends where they count otherwise, {times:.2g} times as high (median over "
            f"models); a law through those ends: {exponent_in_words(top_law)}. "
            if few is None
            else f"Thick bars are two standard errors over random vectors. {few} {counts} The "
            f"dotted line ends where they count otherwise, {times:.2g} times as high (median over "
            "models). "
        )
    else:
        text = f"{counts} Counted otherwise, it is {times:.2g} times as high. "
    show.caption(
        f"{text}{known} *Evenness* is 1 if all eigenvalues are alike: the "
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
        "Few windows give a low-rank matrix, so the root's trace of the Gauss–Newton "
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


def agreement_table(agreements: dict[str, tuple[Agreement, Agreement] | Unfitted]) -> None:
    """R squared of every predictor, without and with 2 bits."""
    lines = [
        f"| prediction | (2^b − 1)⁻² times | R², from {FITTED_BITS} bits | beyond the bits "
        "| typical factor off | R², with 2 bits |",
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
            else "**Here none of them predicts the gap better than bit width alone**: "
            f"between models of different sizes even the best, *{best}*, is further off than a "
            "constant. "
        )
    show.caption(
        f"{verdict}Each prediction is $(2^b-1)^{{-2}}$ times what stands in the table, in the "
        r"quantized parameters alone ($\overline{w^2}$ their mean squared weight; $H_l$, "
        r"$m_l \times n_l$ second moment of the inputs and shape of layer $l$), times **one** "
        f"constant, fitted to all models from {FITTED_BITS} bits on. R² is of the logarithm of the "
        "gap; *beyond the bits* it is taken after the mean of each bitrate is subtracted, where a "
        "negative one is worse than nothing. All are compared on the same "
        f"{counted(len(used), 'gap')} of {counted(used['model_id'].nunique(), 'model')}; of the "
        f"{len(predicted)} "
        "measured, those not above 0 by two standard errors are left out, which favours large ones "
        f"where gaps are small.{_fed_back(leaves)}"
    )


def too_few_gaps(used: pd.DataFrame, agreements: dict, leaves: float | None) -> None:
    """Why no prediction can be judged, and what was measured all the same.

    Args:
        used: from ``predicted_gap.comparable``.
        agreements: from ``predicted_gap.agreements``, a reason for each.
    """
    reasons = listed(list(dict.fromkeys(agreements.values())))
    show.info(
        "Which prediction holds cannot be judged here: it takes at least 3 models with gaps clear "
        f"of 0 by two standard errors, and {counted(used['model_id'].nunique(), 'model')} "
        f"{agree(used['model_id'].nunique(), 'has', 'have')} them."
        if used["model_id"].nunique() < 3
        else f"Which prediction holds cannot be judged here: {reasons}.",
        icon=":material/inbox:",
    )
    if leaves:
        show.caption(_fed_back(leaves).strip())


def _fed_back(leaves: float | None) -> str:
    return (
        f" Measured, GPTQ leaves {leaves:.2g} of the gap of rounding to nearest (median). Feedback "
        "through the whole matrix could leave as little as its evenness; GPTQ feeds errors back "
        "inside each layer only."
        if leaves
        else ""
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
            f"rates of the same model say (median of {counted(jump.models, 'model')}), and those "
            f"scatter by a "
            f"factor of {jump.fine_factor:.2f} about their own level: "
            + ("there the parabola breaks." if breaks else "no break can be told from that.")
        )
    show.caption(text)


def predicted_rows(laws: dict[str, Law], symbol: str) -> list[tuple[str, Law, str]]:
    """Laws of the traces in model size, for a size that nobody measured."""
    return [
        (f"Tr({symbol})", laws["trace"], "nats/token"),
        (f"Tr(√{symbol})", laws["trace_sqrt"], "√(nats/token)"),
        ("Evenness", laws["evenness"], "share"),
    ]
