"""What our form and codes gain on the shipped ladder: ``python -m tests.bench.gains`` prints it."""

from pathlib import Path

from dashboard.artifacts import Suite
from dashboard.settings import Setting
from dashboard.terms import UNQUANTIZED, Choice, best_setting

DATA = Path(__file__).resolve().parent.parent.parent / "data"
DELTA = 0.05


def best_gap(
    suite: Suite, form: str, code: str, quantizer: str, model_id: str
) -> tuple[float, Setting]:
    """Smallest gap of one model over the measured rates of a quantizer, and where it is."""
    start = Choice(UNQUANTIZED, code, DELTA, form)
    setting, gap = best_setting(suite, start, model_id, quantizer)
    return gap, setting


def table() -> str:
    """Markdown: each form and code at its own best rate, in nats per token."""
    suite = Suite(DATA, "ladder")
    lines = [
        "| model | paper's form, GPTQ, stored | geometric, GPTQ, stored "
        "| geometric, grid-step GPTQ, entropy-coded | less |",
        "|---|--:|--:|--:|--:|",
    ]
    for model in suite.models().itertuples():
        name = model.model_id
        paper, paper_at = best_gap(suite, "four_term", "stored", "gptq", name)
        form, form_at = best_gap(suite, "geometric", "stored", "gptq", name)
        ours, ours_at = best_gap(suite, "geometric", "entropy_coded", "gptq_step", name)
        coded = suite.quantized(ours_at).set_index("model_id")["entropy_coded_bits"][name]
        lines.append(
            f"| {name} | {paper:.3f} ({paper_at.rate_in_words}) "
            f"| {form:.3f} ({form_at.rate_in_words}) "
            f"| {ours:.3f} ({ours_at.rate_in_words}, {coded / model.params_total:.2f} bits) "
            f"| {1 - ours / paper:.1%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
