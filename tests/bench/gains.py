"""What our form gains on the shipped ladder: ``python -m tests.bench.gains`` prints the table."""

from pathlib import Path

from dashboard.artifacts import Suite
from dashboard.terms import Choice, bounds_by_model

DATA = Path(__file__).resolve().parent.parent.parent / "data"
DELTA = 0.05


def best_gap(suite: Suite, form: str, model_id: str) -> tuple[float, int]:
    """Smallest gap over the measured bitrates with stored size, and its bits."""
    return min(
        (bounds_by_model(suite, Choice(setting, "stored", DELTA, form))[model_id].gap_nats, bits)
        for setting in suite.settings()
        for bits in [setting.bits]
    )


def table() -> str:
    """Markdown: each form at its own best bitrate, in nats per token."""
    suite = Suite(DATA, "ladder")
    lines = ["| model | paper's gap (bits) | our gap (bits) | less |", "|---|--:|--:|--:|"]
    for model_id in suite.models()["model_id"]:
        paper, paper_bits = best_gap(suite, "four_term", model_id)
        ours, our_bits = best_gap(suite, "geometric", model_id)
        lines.append(
            f"| {model_id} | {paper:.3f} ({paper_bits}) | {ours:.3f} ({our_bits}) "
            f"| {1 - ours / paper:.1%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
