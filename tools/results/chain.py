"""From the paper's bound to ours, step by step: the certified gap, each step at its best rate."""

from dataclasses import dataclass, replace

import pandas as pd

from dashboard.analysis.bound.terms import (
    Choice,
    best_setting,
    training_losses,
    why_not_certified,
)
from dashboard.artifacts.settings import UNQUANTIZED, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.inequalities import STEPS as FORM_STEPS

#: Failure probability of every bound.
DELTA = 0.05

#: Quantizers of the paper and of this project's best codes.
PAPERS, OURS = "gptq", "gptq_step"


@dataclass(frozen=True)
class Step:
    """A form, a quantizer and a code; each gives a valid bound.

    Attributes:
        label: the change from the step before.
        form: key of ``bounds.FORMS``.
        quantizer: whose best measured rate is used.
        code: key of ``terms.CODES``.
    """

    label: str
    form: str
    quantizer: str
    code: str


#: The forms come first, then the codes; as in the app's waterfall.
STEPS = (
    *(Step(label.replace("|", " "), form, PAPERS, "stored") for form, label in FORM_STEPS),
    Step("Entropy-code the weights", "geometric", PAPERS, "entropy_coded"),
    Step("Grid-step GPTQ", "geometric", OURS, "entropy_coded"),
)


def best_gap(
    suite: Suite, step: Step, model_id: str, delta: float = DELTA
) -> tuple[Setting, float]:
    """The measured rate of smallest gap of one model, and that gap in nats per token."""
    start = Choice(UNQUANTIZED, step.code, delta, step.form)
    return best_setting(suite, start, model_id, step.quantizer)


def is_complete(suite: Suite, model_id: str) -> bool:
    """Whether a model has bounds with both quantizers of the steps."""
    needed = {step.quantizer for step in STEPS}
    return needed <= {
        setting.quantizer
        for setting in suite.settings()
        if setting.quantizer in needed and model_id in suite.train_losses(setting)
    }


def chain(suite: Suite, model_id: str, delta: float = DELTA) -> pd.DataFrame:
    """Every step of one model.

    Columns: step, rate (as text), slug, bits_per_parameter (of the file), gap_nats, total_nats,
    change_nats (0 for the first), share (of the whole reduction; NaN for the first), certified.
    """
    model = suite.every_model().set_index("model_id").loc[model_id]
    rows = []
    for step in STEPS:
        setting, gap = best_gap(suite, step, model_id, delta)
        choice = Choice(setting, step.code, delta, step.form)
        file = suite.quantized(setting).set_index("model_id").loc[model_id]
        rows.append(
            {
                "step": step.label,
                "rate": setting.rate_text,
                "slug": setting.slug,
                "bits_per_parameter": file[f"{step.code}_bits"] / model["params_total"],
                "gap_nats": gap,
                "certified": why_not_certified(suite, choice, model["stand_in"]) is None,
            }
        )
    frame = pd.DataFrame(rows)
    trained = training_losses(suite)[model_id]
    change = frame["gap_nats"].diff()
    whole = frame["gap_nats"].iloc[-1] - frame["gap_nats"].iloc[0]
    return frame.assign(
        total_nats=frame["gap_nats"] + trained,
        change_nats=change.fillna(0.0),
        share=change / whole,
    )


def other_order(suite: Suite, model_id: str, delta: float = DELTA) -> float:
    """Gap with grid-step GPTQ stored at fixed widths, without entropy coding."""
    return best_gap(suite, replace(STEPS[-1], code="stored"), model_id, delta)[1]


def best_of_all(suite: Suite, model_id: str, delta: float = DELTA) -> tuple[Setting, str, float]:
    """The setting and real code with the smallest measured gap, in the geometric form."""
    found = []
    for code in ("stored", "entropy_coded"):
        setting, gap = best_setting(suite, Choice(UNQUANTIZED, code, delta, "geometric"), model_id)
        found.append((setting, code, gap))
    return min(found, key=lambda row: row[2])
