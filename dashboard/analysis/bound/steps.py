"""The steps from the paper's bound to ours, and how each changes one model's gap."""

from dataclasses import replace

import pandas as pd

from dashboard.analysis.bound.terms import (
    REQUENTIAL,
    Choice,
    best_setting,
    bounds_by_model,
    why_not_certified,
)
from dashboard.artifacts.settings import STUDENT, UNQUANTIZED
from dashboard.artifacts.suite import Suite
from dashboard.style.inequalities import SAMPLED_AT_ENTROPY, SAMPLED_STEPS, STEPS

#: Kinds of steps: the gap at the start, a step that changes it, the cost of a sample.
GAP, MOVES, SAMPLING = "gap", "moves", "sampling"

STUDENTS_STEP = "Requential|student"


def steps_to_ours(suite: Suite, choice: Choice, model_id: str) -> pd.DataFrame:
    """The steps from the paper's bound to ours, and how each changes one model's gap.

    Every step is a valid bound at the same delta, except the first of a sampled
    suite, which treats the sample as the whole text.  The forms come first, at the chosen code;
    then a stored model is entropy-coded; the next step changes to the quantizer and rate where our
    gap is smallest.  The last one replaces the quantized model by the requential student, if the
    model has one.

    A choice of the student starts where the stored file of the model has its smallest gap.

    Columns: step (``|`` where a label may break), gap_nats (after the step), change_nats (0 for
    the first), kind (``GAP``, ``MOVES`` or ``SAMPLING``), certified (never in a sampled suite,
    whose gaps subtract an estimated training loss).
    """
    forms = SAMPLED_STEPS if suite.is_sampled else STEPS
    if choice.code == REQUENTIAL:
        stored = replace(choice.at(UNQUANTIZED), code="stored")
        choice = stored.at(best_setting(suite, stored, model_id)[0])
    steps = [(label, replace(choice, form=form)) for form, label in forms]
    ours = steps[-1][1]
    if ours.code == "stored":
        ours = replace(ours, code="entropy_coded")
        steps.append(("Entropy-code|the weights", ours))
    best = ours.at(best_setting(suite, ours, model_id)[0])
    steps.append((f"Best setting:|{best.setting.label.replace(', ', '|')}", best))
    if not suite.is_sampled and model_id in set(suite.quantized(STUDENT)["model_id"]):
        steps.append((STUDENTS_STEP, ours.at(STUDENT)))
    stand_in = suite.every_model().set_index("model_id").loc[model_id, "stand_in"]
    rows = []
    for label, at in steps:
        bound = bounds_by_model(suite, at, [model_id])[model_id]
        kind = MOVES if rows else GAP
        if at.form == SAMPLED_AT_ENTROPY and not rows:
            alone = bound.gap_nats - bound.sampling_nats
            rows.append(("Paper's α and Y,|sample as if|complete", alone, GAP, False))
            kind = SAMPLING
        certified = not suite.is_sampled and why_not_certified(suite, at, stand_in) is None
        rows.append((label, bound.gap_nats, kind, certified))
    frame = pd.DataFrame(rows, columns=["step", "gap_nats", "kind", "certified"])
    return frame.assign(change_nats=frame["gap_nats"].diff().fillna(0.0))
