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
    """R squared of each prediction from 3 bits on, for each quantizer, in Markdown; last how far
    the gap at 2 bits lies above what the finer rates say, by the whole-model prediction."""
    suite = Suite(DATA, "ladder")
    labels = " | ".join(predictor.label for predictor in PREDICTORS)
    lines = [f"| quantizer | {labels} | at 2 bits |", "|---|" + "--:|" * (len(PREDICTORS) + 1)]
    for label, key in quantizers(suite).items():
        predicted = predictions(suite, key)
        found = agreements(predicted)
        cells = [
            "—" if isinstance(found[p.key], str) else f"{found[p.key][0].r_squared:.3f}"
            for p in PREDICTORS
        ]
        first = PREDICTORS[0].key
        jump = jump_at_coarse_rates(scaled(predicted, first, found[first][0].constant))
        lines.append(f"| {label} | {' | '.join(cells)} | {jump or float('nan'):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
