"""The table that ``python -m compute fit`` prints."""

from rich.markup import escape
from rich.table import Table

from compute.base.terminal import console
from compute.commands.fit.fit_runs import FittedRuns
from compute.commands.fit.fit_warnings import warnings_of

#: Names of the estimates in L(N, D) = E + A / N^alpha + B / D^beta.
SYMBOLS = {
    "irreducible_nats": "E",
    "model_coefficient": "A",
    "data_coefficient": "B",
    "model_exponent": "alpha",
    "data_exponent": "beta",
    "optimal_params_exponent": "beta / (alpha + beta)",
}


def show_fit(found: FittedRuns) -> None:
    """Every parameter with its standard error and interval, and warnings about the fit."""
    fit, without = found.fit, found.without
    console.print("L(N, D) = E + A / N^alpha + B / D^beta, nats per token")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("parameter", no_wrap=True)
    beside = ("without far runs", "std. error") if without else ()
    interval = f"{fit.level:.0%} interval: low"
    for label in ("estimate", "std. error", interval, "high", *beside):
        table.add_column(label, justify="right")
    for name, symbol in SYMBOLS.items():
        estimate = fit.estimates[name]
        cells = [estimate.value, estimate.standard_error, estimate.low, estimate.high]
        if without:
            cells += [without.estimates[name].value, without.estimates[name].standard_error]
        table.add_row(symbol, *map(_cell, cells))
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
        f"Errors and intervals: bootstrap of {len(fit.draws):,} resamples of the runs. They do "
        "not cover laws of another form."
    )
    for sentence in warnings_of(found):
        console.print(f"[yellow]warning:[/] {escape(sentence)}")


def _cell(value: float | None) -> str:
    return "not determined" if value is None else f"{value:.5g}"
