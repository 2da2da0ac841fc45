"""How well curvature predicts the shipped quantization gaps, as the README's table.

python -m tests.bench.predicted_gaps
"""

from pathlib import Path

from dashboard.artifacts import Suite
from dashboard.predicted_gap import (
    PREDICTORS,
    agreements,
    jump_at_coarse_rates,
    predictions,
    quantizers,
    scaled,
)

DATA = Path(__file__).resolve().parent.parent.parent / "data"


def table() -> str:
    """R squared of each prediction from 3 bits on, and beyond the bits, for each quantizer, in
    Markdown; last the gap at 2 bits over what the finer rates of the same models say."""
    suite = Suite(DATA, "ladder")
    labels = " | ".join(predictor.label for predictor in PREDICTORS)
    lines = [f"| quantizer | {labels} | at 2 bits |", "|---|" + "--:|" * (len(PREDICTORS) + 1)]
    for label, key in quantizers(suite).items():
        predicted = predictions(suite, key)
        found = {p.key: fine for p in PREDICTORS for fine in agreements(predicted)[p.key][:1]}
        cells = [f"{a.r_squared:.2f}, {a.within_r_squared:.2f}" for a in found.values()]
        best = max(found, key=lambda key: found[key].r_squared)
        jump = jump_at_coarse_rates(scaled(predicted, best, found[best].constant))
        cells.append(f"{jump.factor:.2f} (scatter {jump.fine_factor:.2f})")
        lines.append(f"| {label} | {' | '.join(cells)} |".replace("-0.00", "0.00"))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
