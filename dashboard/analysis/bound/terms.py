"""Every term of the bound for every model of a suite, at one choice of the controls."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from bounds import FORMS, RiskBound
from bounds.codes.requential import STUDENT_RECIPE_BITS
from dashboard.analysis.bound.sampling import bound_from_windows
from dashboard.artifacts.database import remembered
from dashboard.artifacts.errors import REPAIR, ArtifactError
from dashboard.artifacts.settings import STUDENT, UNQUANTIZED, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS

#: Code lengths of a quantized model, and whether each is the length of a real prefix-free code.
CODES = {"stored": True, "entropy_coded": True, "nominal": False}

#: The prequential code length of the trained model, which does not belong to a real code.
PREQUENTIAL = "prequential"

#: What the requential student pays in place of a code length (section 10): certified, but no file.
REQUENTIAL = "requential"

#: What pages offer for a model's code length, the last one where there are students.
OFFERED = (*CODES, REQUENTIAL)

#: Codes that belong to one setting alone.
OF_ONE_SETTING = {PREQUENTIAL: UNQUANTIZED, REQUENTIAL: STUDENT}

#: The form that pays for every choice that depends on C.  In the others the smoothing weight or
#: lambda follows from it, which is free for a code, whose length each model has beforehand, but
#: not for a student, whose bits depend on the text.
STUDENTS_FORM = "geometric"

_COUNTS = ("params_total", "train_tokens", "vocab_size")

#: Columns of a model's row that hold a remark, if any.
NOTES = ("stand_in", "remark")


@dataclass(frozen=True)
class Choice:
    """The choices of the controls.

    Attributes:
        setting: quantizer and bits.
        code: a key of ``CODES``, or of ``OF_ONE_SETTING`` with its setting.
        failure_probability: delta.
        form: a key of ``bounds.FORMS``, or in a sampled suite ``SAMPLED``.
    """

    setting: Setting
    code: str
    failure_probability: float
    form: str = "geometric"

    @property
    def can_certify(self) -> bool:
        """Whether a certificate can pay with this code: a real one, or what a student took."""
        return self.code == REQUENTIAL or CODES.get(self.code, False)

    def with_code(self, code: str) -> "Choice":
        """The same choice with another code, at the only setting that the code has, if any."""
        return replace(self, code=code, setting=OF_ONE_SETTING.get(code, self.setting))

    def at(self, setting: Setting) -> "Choice":
        """The same choice at another setting, with its code if only the student has one there."""
        if setting == STUDENT:
            return self.with_code(REQUENTIAL)
        code = "entropy_coded" if self.code == REQUENTIAL else self.code
        return replace(self, setting=setting, code=code)


def codes_of(suite: Suite) -> tuple[str, ...]:
    """Codes that can be chosen for models of the suite with their quantized weights or student."""
    return OFFERED if suite.has_students else tuple(CODES)


def code_lengths(suite: Suite, choice: Choice) -> pd.Series:
    """Bits of the chosen code by model_id; models without that code are left out.

    Raises:
        ValueError: the bits of a student for another model, or another code for the student.
    """
    if (choice.code == REQUENTIAL) != (choice.setting == STUDENT):
        raise ValueError(f"the code {choice.code} does not belong to {choice.setting.label}")
    if choice.code == PREQUENTIAL:
        return suite.information().set_index("model_id")["k_nats"] / math.log(2)
    if choice.code == REQUENTIAL:
        taken = suite.quantized(STUDENT).set_index("model_id")["requential_bits"]
        return taken + STUDENT_RECIPE_BITS
    return suite.quantized(choice.setting).set_index("model_id")[f"{choice.code}_bits"]


@remembered
def training_losses(suite: Suite) -> dict[str, float]:
    """Mean training loss of each unquantized model in nats per token, by model_id.

    The exact mean, not that of the histogram with its rounded-up losses, because the loss that a
    gap subtracts must not be too large.  In a sampled suite it is the mean over the windows that
    bounds are evaluated on, so that the quantization gap refers to the same tokens, or else the
    mean in `quantized`.
    """
    if not suite.is_sampled:
        return _exact_losses(suite, UNQUANTIZED)
    measured = suite.quantized(UNQUANTIZED).set_index("model_id")["train_loss_nats"]
    losses = suite.train_losses(UNQUANTIZED)
    return measured.to_dict() | {
        name: suite.windows(UNQUANTIZED, name).evaluation.mean_loss_nats for name in losses
    }


@remembered
def _exact_losses(suite: Suite, setting: Setting) -> dict[str, float]:
    """Exact mean loss over all D training tokens at a setting, of the models scored on all."""
    means = suite.quantized(setting).set_index("model_id")["train_loss_nats"]
    whole = suite.train_losses(setting)
    return {str(name): float(loss) for name, loss in means.items() if name in whole}


def training_loss_error(suite: Suite, model_id: str) -> float:
    """Standard error of one of ``training_losses``.

    0 where all training tokens were scored, NaN where the windows were not stored.
    """
    if not suite.is_sampled:
        return 0.0
    windows = suite.windows(UNQUANTIZED, model_id)
    return math.nan if windows is None else windows.evaluation.mean_loss_se_nats


def bounds_by_model(
    suite: Suite, choice: Choice, only: Collection[str] | None = None
) -> dict[str, RiskBound]:
    """The chosen bound of every model that was measured at the setting, smallest model first.

    Args:
        only: of ``Suite.every_model``; None for ``Suite.models``.

    Raises:
        ArtifactError: the losses of a model do not cover its training set, or are not valid losses.
    """
    return dict(_bounds(suite, choice, None if only is None else frozenset(only)))


@remembered
def _bounds(suite: Suite, choice: Choice, only: frozenset[str] | None) -> dict[str, RiskBound]:
    key = ("code lengths", choice.code, choice.setting)
    lengths = suite.remember(key, lambda: code_lengths(suite, choice).to_dict())
    trained, found = training_losses(suite), {}
    for name, train_tokens, vocab_size in _sizes(suite, only):
        if name not in trained or name not in lengths:
            continue  # not measured yet
        form = _form(suite, choice, name)
        if form is None:
            continue
        bound = partial(
            form,
            code_bits=float(lengths[name]),
            train_tokens=train_tokens,
            vocab_size=vocab_size,
            failure_probability=choice.failure_probability,
        )
        try:
            found[name] = suite.remember(
                (choice, name), partial(_counted, suite, choice, name, bound)
            )
        except ValueError as error:
            table = "token_losses" if suite.is_sampled else "loss_histograms"
            raise ArtifactError(
                f"The measurements of {name} at {choice.setting.label} cannot be used: {error}. "
                f"For its files in {table} and quantized: {REPAIR}."
            ) from None
    return found


def _counted(
    suite: Suite, choice: Choice, model_id: str, bound: Callable[[], RiskBound]
) -> RiskBound:
    """A bound with its gap counted from exact losses, if all tokens were scored."""
    if suite.is_sampled:
        return bound()
    exact = (_exact_losses(suite, setting)[model_id] for setting in (UNQUANTIZED, choice.setting))
    return bound().counted_from(*exact)


@remembered
def _sizes(suite: Suite, only: frozenset[str] | None) -> list[tuple[str, int, int]]:
    """D and V of the models, in their order."""
    models = suite.models() if only is None else suite.every_model()
    columns = (models[key] for key in ("model_id", "train_tokens", "vocab_size"))
    rows = zip(*columns, strict=True)
    return [(n, int(d), int(v)) for n, d, v in rows if only is None or n in only]


def _form(suite: Suite, choice: Choice, model_id: str) -> Callable[..., RiskBound] | None:
    """The chosen form with the losses of one model, None if they were not measured."""
    trained = training_losses(suite)[model_id]
    if choice.form in FORMS:
        losses = suite.train_losses(choice.setting).get(model_id)
        return losses and partial(FORMS[choice.form], trained, losses)
    windows = suite.windows(choice.setting, model_id)
    error, settings = training_loss_error(suite, model_id), len(suite.settings())
    return windows and partial(
        bound_from_windows, windows, choice.form, trained, error, settings=settings
    )


def why_not_certified(suite: Suite, choice: Choice, stand_in: object) -> str | None:
    """Why a bound is not a certificate, as text after “not certified: ”; None if it is one.

    Args:
        stand_in: the model's stand-in text, if any.
    """
    reasons = []
    if choice.code == REQUENTIAL and choice.form != STUDENTS_FORM:
        reasons.append(_NOT_FOR_STUDENTS)
    if not choice.can_certify:
        reasons.append(f"the {choice.code} code length does not belong to a real code")
    if suite.is_sampled and choice.form in FORMS:
        reasons.append("this form needs every training token, and only a sample was scored")
    if reason := reason_of_stand_in(stand_in):
        reasons.append(reason)
    return "; ".join(reasons) or None


_NOT_FOR_STUDENTS = (
    "the bits of a student depend on the text, and only the geometric form pays for every choice "
    "that depends on them"
)


def reason_of_stand_in(stand_in: object) -> str | None:
    """Why nothing about the training text of a model is certified, None if that was scored."""
    if not isinstance(stand_in, str):
        return None
    return f"another text stands in for the training text ({stand_in.rstrip('.')})"


def bound_terms(suite: Suite, choice: Choice, only: Collection[str] | None = None) -> pd.DataFrame:
    """One row per model that was measured at the setting, smallest first.

    Args:
        only: of ``Suite.every_model``; None for ``Suite.models``.

    Columns: model_id, params_total, train_tokens, vocab_size, bytes_per_token, one per term of
    ``glossary.TERMS``, total_nats, gap_nats (total minus training loss) with the standard error
    gap_se_nats of the training loss (0 where it is exact), the measured train_loss_nats
    of the unquantized and heldout_loss_nats (with its standard error) of the quantized model or
    student, code, code_bits, the two shares of C, alpha, loss_range_nats, the form's own
    parameters, certified (of the bound), gap_certified (never where the gap subtracts an
    estimate), not_certified_because (None where the bound is certified), stand_in and remark of
    the model (None without).
    """
    return _terms(suite, choice, None if only is None else frozenset(only))


@remembered
def _terms(suite: Suite, choice: Choice, only: frozenset[str] | None) -> pd.DataFrame:
    models = (suite.models() if only is None else suite.every_model()).set_index("model_id")
    quantized = suite.quantized(choice.setting).set_index("model_id")
    trained = suite.quantized(UNQUANTIZED).set_index("model_id")
    lengths = code_lengths(suite, choice)
    rows = []
    for name, bound in bounds_by_model(suite, choice, only).items():
        model = models.loc[name]
        reason = why_not_certified(suite, choice, model["stand_in"])
        rows.append(
            {
                "model_id": name,
                **{key: int(model[key]) for key in _COUNTS},
                "bytes_per_token": float(model["bytes_per_token"]),
                **{term.nats: getattr(bound, term.nats) for term in TERMS},
                "total_nats": bound.total_nats,
                "gap_nats": bound.gap_nats,
                "gap_se_nats": training_loss_error(suite, name),
                "measured_train_loss_nats": trained.loc[name, "train_loss_nats"],
                "measured_heldout_loss_nats": quantized.loc[name, "heldout_loss_nats"],
                "measured_heldout_se_nats": quantized.loc[name, "heldout_loss_se_nats"],
                "code": choice.code,
                "code_bits": lengths[name],
                "code_nats_per_token": bound.complexity_per_token.code_nats,
                "confidence_nats_per_token": bound.complexity_per_token.confidence_nats,
                "alpha": bound.alpha,
                "loss_range_nats": bound.loss_range_nats,
                **bound.parameters,
                "certified": reason is None,
                "gap_certified": reason is None and not suite.is_sampled,
                "not_certified_because": reason,
                **{key: model[key] if isinstance(model[key], str) else None for key in NOTES},
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({key: object for key in ("not_certified_because", *NOTES) if rows})


def best_setting(
    suite: Suite, choice: Choice, model_id: str, quantizer: str | None = None
) -> tuple[Setting, float]:
    """The setting with the smallest gap of one model, all other choices unchanged, and that gap.

    A code names its setting in its first bytes, so it already pays for this choice.

    Args:
        quantizer: consider only its rates.
    """
    gaps = {}
    for setting in suite.settings():
        if quantizer not in (None, setting.quantizer):
            continue
        bounds = bounds_by_model(suite, choice.at(setting), [model_id])
        if model_id in bounds:
            gaps[setting] = bounds[model_id].gap_nats
    best = min(gaps, key=gaps.__getitem__)
    return best, gaps[best]
