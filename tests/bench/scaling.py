"""What the shipped ladder's information and laws come to: the README's tables."""

from pathlib import Path

from bounds.laws.crossing import Crossing
from dashboard import information, scaling
from dashboard.artifacts import Suite
from dashboard.quantities import quantities
from dashboard.settings import Setting
from dashboard.terms import Choice

DATA = Path(__file__).resolve().parents[2] / "data"

#: The setting and code that certify most on the larger models.
CHOICE = Choice(Setting("gptq_step", step=1.0), "entropy_coded", 0.05)


def main() -> None:
    """Print K(h) of every model, how it grows, where codes cross, and every law."""
    suite = Suite(DATA, "ladder")
    models = information.by_model(suite)
    print("model, K(h) bits, per parameter, mean excess, from checkpoints, its error, closed form")
    for row in models.itertuples():
        parts = (row.checkpoint_bits, row.checkpoint_error_bits, row.closed_form_bits)
        checkpoints, error, closed = (part / row.k_bits for part in parts)
        print(
            f"{row.model_id}: {row.k_bits:,.0f} {row.bits_per_parameter:.2f} {row.excess_nats:.3f} "
            f"{checkpoints - 1:+.1%} {error:.0%} {closed:.2f}"
        )
    print("\nK(h) grows as N^p")
    for row in information.without_smallest(models).itertuples():
        print(
            f"without the {row.left_out} smallest: {row.exponent:.3f} "
            f"({row.low:.3f} to {row.high:.3f})"
        )
    laws = information.code_laws(information.by_code(suite, CHOICE.setting), "total_bits")
    for code, met in information.crossings(laws).items():
        if isinstance(met, Crossing):
            side = "above" if met.from_above else "below"
            print(
                f"{code}: K(h) {side} at the largest model, meets it further on at {met.n:.2g}, "
                f"in {met.share_ahead:.1%} of resamples"
            )
    print(f"\nlaws at {CHOICE.setting.label}, {CHOICE.code}")
    table = scaling.overview(quantities(suite, CHOICE), floor=False)
    for row in table.itertuples():
        inside = "inside" if row.inside else "outside"
        print(
            f"{row.quantity}: {row.exponent:+.3f} ({row.low:+.3f} to {row.high:+.3f}), "
            f"largest left out {row.error:+.1%} {inside}"
        )


if __name__ == "__main__":
    main()
