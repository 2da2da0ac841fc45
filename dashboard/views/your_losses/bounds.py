"""Every form of the bound for uploaded losses, as rows for the page."""

from dataclasses import dataclass

import pandas as pd

from bounds import RiskBound
from bounds.own_losses import LossColumns, Measurement, UnusableError, every_bound
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import UploadError
from dashboard.style.glossary import TERMS
from dashboard.style.inequalities import FORMS, SAMPLED_FORM, Form

#: Labels of the forms of a sample in ``bounds.own_losses``.
_SAMPLED_LABELS = {
    "sampled": SAMPLED_FORM.label,
    "sampled, paper's choices": f"{SAMPLED_FORM.label}, paper's choices",
}

#: Labels of all forms by their keys.
LABELS = {form.key: form.label for form in FORMS} | _SAMPLED_LABELS

#: Kinds of a code length that a visitor can select.
ESTIMATE, REAL = "an estimate or a count", "that of a real code"

NO_REAL_CODE = "the code length is an estimate or a count, not that of a real code"


@dataclass(frozen=True)
class Given:
    """A visitor's statements about a model.

    Attributes:
        measurement: the input of the bounds.
        real_code: whether the code length is that of a real prefix-free code.
        bytes_per_token: of the text; None if it was not given.
    """

    measurement: Measurement
    real_code: bool
    bytes_per_token: float | None


def bounds_of(columns: LossColumns, given: Given) -> dict[str, RiskBound]:
    """``bounds.own_losses.every_bound``, which ``python -m compute bound`` prints too.

    Raises:
        UploadError: a column or a value cannot be used.
    """
    try:
        return every_bound(columns, given.measurement)
    except UnusableError as error:
        raise UploadError(sentence(error)) from None


def forms_of(found: dict[str, RiskBound]) -> list[Form]:
    """Idea and formulas of the forms that have some."""
    return [form for form in (*FORMS, SAMPLED_FORM) if form.key in found]


def sentence(error: UnusableError) -> str:
    """The error as a sentence that names the control or the column."""
    if error.where in FIELDS:
        return f"{FIELDS[error.where]} {error.reason}."
    if error.where:
        return f"The column '{error.where}' {error.reason}."
    return f"{error.reason[0].upper()}{error.reason[1:]}."


#: Labels of the attributes of a measurement on the page.
FIELDS = {
    "params_total": "Parameters N",
    "train_tokens": "Training tokens D",
    "vocab_size": "Vocabulary V",
    "code_bits": "Code length L",
    "failure_probability": "Failure probability δ",
    "training_loss_nats": "Training loss",
}


def rows(found: dict[str, RiskBound], given: Given, unit: Unit) -> Losses:
    """One row per form, in the order of the command, losses in ``unit``.

    Columns: form (its label), total, gap with its standard error gap_se (0 where the training
    loss in it is exact), one per term of ``glossary.TERMS``, the two shares
    of C and C itself (always nats per token), alpha, loss_range_nats, the form's own parameters,
    certified, not_certified_because (None where it is).
    """
    reason = None if given.real_code else NO_REAL_CODE
    frame = pd.DataFrame(
        [
            {
                "form": LABELS[key],
                "total_nats": bound.total_nats,
                "gap_nats": bound.gap_nats,
                "gap_se_nats": bound.training_loss_se_nats,
                **{term.nats: getattr(bound, term.nats) for term in TERMS},
                "code_nats_per_token": bound.complexity_per_token.code_nats,
                "confidence_nats_per_token": bound.complexity_per_token.confidence_nats,
                "c_nats_per_token": bound.complexity_per_token.total_nats,
                "alpha": bound.alpha,
                "loss_range_nats": bound.loss_range_nats,
                **bound.parameters,
                "certified": reason is None,
                "not_certified_because": reason,
            }
            for key, bound in found.items()
        ]
    ).astype({"not_certified_because": object})
    factor = unit.of_nats(given.bytes_per_token or 1.0)
    return Losses.scaled(frame, factor, unit)
