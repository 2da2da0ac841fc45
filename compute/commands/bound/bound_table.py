"""The table that ``python -m compute bound`` prints."""

import math

from rich.table import Table

from bounds import RiskBound
from bounds.own_losses import Measurement
from bounds.printed import parts_text, upper_text
from compute.base.terminal import console

#: Decimals of the table.
_DIGITS = 4


def show_bounds(found: dict[str, RiskBound], measurement: Measurement) -> None:
    """Every form with its terms, in nats per token, in a fixed order, the default first.

    Bound and gap are rounded up; the terms add up to the bound as it is printed.
    """
    bits = measurement.paid_bits
    console.print(
        f"N = {measurement.params_total:,}, D = {measurement.train_tokens:,}, "
        f"V = {measurement.vocab_size:,}, L = {bits:,.0f} bits "
        f"({bits / measurement.params_total:.3f} per parameter), "
        f"delta = {measurement.failure_probability:g}; nats per token"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("form", no_wrap=True)
    terms = (
        ("bound", "total_nats"),
        ("gap", "gap_nats"),
        ("training loss", "training_loss_nats"),
        ("complexity", "complexity_nats"),
        ("variation", "loss_variation_nats"),
        ("smoothing", "smoothing_nats"),
        ("quant. gap", "quantization_gap_nats"),
        ("sampling", "sampling_nats"),
    )
    for label, _ in terms:
        table.add_column(label, justify="right")
    for name, result in found.items():
        parts = [getattr(result, key) for _, key in terms[2:]]
        table.add_row(
            name,
            upper_text(result.total_nats, _DIGITS),
            _gap(result),
            *parts_text(parts, result.total_nats, _DIGITS),
        )
    console.print(table)
    if any(result.sampling_nats for result in found.values()):
        bound, sample = measurement.divided_delta
        console.print(
            f"delta = {bound:g} for the inequality + {sample:g} for the sampling, both shared by "
            f"the {len(found)} rows: you may quote the smallest."
        )
    if any(result.training_loss_se_nats for result in found.values()):
        console.print(
            "The gap subtracts a training loss that is estimated from the sample: ± is its "
            "standard error, and the gap is not certified."
        )
    guess = math.log(measurement.vocab_size)
    console.print(f"The loss of a uniform guess is ln V = {guess:.4f}.")
    if not any(result.sampling_nats for result in found.values()):
        choice = math.log2(len(found))
        console.print(
            "Each row holds by itself. To quote the smallest one, run again with "
            f"--code-bits larger by log2({len(found)}) = {choice:.2f}."
        )
    console.print(
        "A total is a certificate only if L is the length of a real prefix-free code for the "
        "evaluated model, including everything that its decoder needs."
    )


def _gap(result: RiskBound) -> str:
    gap, error = upper_text(result.gap_nats, _DIGITS), result.training_loss_se_nats
    return f"{gap} ± {error:.4f}" if error else gap
