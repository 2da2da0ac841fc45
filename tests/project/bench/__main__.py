"""``make bench``: speeds and memory against named alternatives, and how tight each form is.

Not a test: nothing here passes or fails.  Every ratio is measured in this one run.
"""

from tests.project.bench import (
    curvature,
    evaluation,
    felt,
    forms,
    quantization,
    requential,
    tightness,
)


def main() -> None:
    """Run every measurement and print it."""
    forms.report()
    quantization.report()
    curvature.report()
    evaluation.report()
    requential.report()
    tightness.report()
    felt.report()


if __name__ == "__main__":
    main()
