"""What our form and codes gain on the shipped ladder: ``python -m tests.bench.gains`` prints it."""

from pathlib import Path

from dashboard.artifacts import Suite
from tools.results.chain import STEPS, chain

DATA = Path(__file__).resolve().parent.parent.parent / "data"

#: Of the steps from the paper's bound to ours: where it starts, what the form gains, everything.
SHOWN = (0, [step.label for step in STEPS].index("Choose α and W"), len(STEPS) - 1)


def table() -> str:
    """Markdown: each form and code at its own best rate, in nats per token."""
    suite = Suite(DATA, "ladder")
    lines = [
        "| model | paper's form, GPTQ, stored | geometric, GPTQ, stored "
        "| geometric, grid-step GPTQ, entropy-coded | less |",
        "|---|--:|--:|--:|--:|",
    ]
    for model_id in suite.models()["model_id"]:
        paper, form, ours = (row for row in chain(suite, model_id).iloc[[*SHOWN]].itertuples())
        lines.append(
            f"| {model_id} | {paper.gap_nats:.3f} ({paper.rate}) "
            f"| {form.gap_nats:.3f} ({form.rate}) "
            f"| {ours.gap_nats:.3f} ({ours.rate}, {ours.bits_per_parameter:.2f} bits) "
            f"| {1 - ours.gap_nats / paper.gap_nats:.1%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
