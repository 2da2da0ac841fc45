"""The table that ``python -m compute fit`` prints."""

from rich.table import Table

from bounds import LossLawFit
from compute.terminal import console

#: What each estimate is called in L(N, D) = E + A / N^alpha + B / D^beta.
SYMBOLS = {
    "irreducible_nats": "E",
    "model_coefficient": "A",
    "data_coefficient": "B",
    "model_exponent": "alpha",
    "data_exponent": "beta",
    "optimal_params_exponent": "beta / (alpha + beta)",
}


def show_fit(fit: LossLawFit) -> None:
    """Every parameter with its standard error and interval, and how far to trust the fit."""
    console.print("L(N, D) = E + A / N^alpha + B / D^beta, nats per token")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("parameter", no_wrap=True)
    for label in ("estimate", "std. error", f"{fit.level:.0%} interval: low", "high"):
        table.add_column(label, justify="right")
    for name, symbol in SYMBOLS.items():
        found = fit.estimates[name]
        cells = (found.value, found.standard_error, found.low, found.high)
        table.add_row(symbol, *(f"{cell:.5g}" for cell in cells))
    console.print(table)
    console.print(
        "The compute-optimal N grows as C^(beta / (alpha + beta)), D as C^(alpha / (alpha + beta))."
    )
    console.print(
        f"{fit.runs} runs, N from {fit.n_range[0]:.3g} to {fit.n_range[1]:.3g}, D from "
        f"{fit.d_range[0]:.3g} to {fit.d_range[1]:.3g}; anything outside is extrapolation."
    )
    console.print(
        f"{fit.agreed:,} of {fit.starts:,} starts reached the optimum, {fit.objective:.6g}; "
        f"rms log residual {fit.log_residual_rms:.3g}."
    )
    console.print(
        f"Errors and intervals: bootstrap of {len(fit.draws):,} resamples of the runs. They say "
        "nothing of a law of another form."
    )
