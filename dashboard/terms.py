"""Every term of the bound for every model of a suite, at one choice of the controls."""

import math
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from bounds import FORMS, RiskBound
from dashboard.artifacts import REPAIR, ArtifactError, Suite
from dashboard.forms import STEPS
from dashboard.settings import Setting
from dashboard.text import TERMS

#: Code lengths of a quantized model, and whether each is the length of a real prefix-free code.
CODES = {"stored": True, "entropy_coded": True, "nominal": False}

#: The code length of the trained model itself by prequential coding, which is no real code.
PREQUENTIAL = "prequential"

UNQUANTIZED = Setting("none", 32)


@dataclass(frozen=True)
class Choice:
    """What the controls say.

    Attributes:
        setting: quantizer and bits.
        code: a key of ``CODES``, or ``PREQUENTIAL`` with the unquantized model.
        failure_probability: delta.
        form: a key of ``bounds.FORMS``.
    """

    setting: Setting
    code: str
    failure_probability: float
    form: str = "geometric"

    @property
    def certified(self) -> bool:
        """Whether the code length belongs to a real code, so that the bound is a certificate."""
        return CODES.get(self.code, False)


def prequential(choice: Choice) -> Choice:
    """The same choice with the prequential code, which is of the unquantized model."""
    return replace(choice, code=PREQUENTIAL, setting=UNQUANTIZED)


def code_lengths(suite: Suite, choice: Choice) -> pd.Series:
    """Bits of the chosen code by model_id; models that lack it are left out."""
    if choice.code == PREQUENTIAL:
        return suite.information().set_index("model_id")["k_nats"] / math.log(2)
    return suite.quantized(choice.setting).set_index("model_id")[f"{choice.code}_bits"]


def bounds_by_model(suite: Suite, choice: Choice, only: str | None = None) -> dict[str, RiskBound]:
    """The chosen bound of every model that was measured at the setting, smallest model first.

    Args:
        only: a model_id, to leave the other models out.

    Raises:
        ArtifactError: the losses of a model do not cover its training set, or are no losses.
    """
    lengths = code_lengths(suite, choice)
    losses = suite.train_losses(choice.setting)
    unquantized = suite.train_losses(UNQUANTIZED)
    found = {}
    for model in suite.models().itertuples():
        name = model.model_id
        if only not in (None, name):
            continue
        if not (name in losses and name in unquantized and name in lengths):
            continue  # not measured yet
        bound = partial(
            FORMS[choice.form],
            unquantized[name].mean_loss_nats,
            losses[name],
            code_bits=float(lengths[name]),
            train_tokens=int(model.train_tokens),
            vocab_size=int(model.vocab_size),
            failure_probability=choice.failure_probability,
        )
        try:
            found[name] = suite.remember((choice, name), bound)
        except ValueError as error:
            raise ArtifactError(
                f"The measurements of {name} at {choice.setting.label} cannot be used: {error}. "
                f"For its files in loss_histograms and quantized: {REPAIR}."
            ) from None
    return found


def bound_terms(suite: Suite, choice: Choice) -> pd.DataFrame:
    """One row per model that was measured at the setting, smallest first.

    Columns: model_id, params_total, train_tokens, vocab_size, one per term of ``text.TERMS``,
    total_nats, gap_nats (total minus training loss), the measured train_loss_nats of the
    unquantized and heldout_loss_nats (with its standard error) of the quantized model, code_bits,
    the two shares of C, alpha, loss_range_nats, the form's own parameters, certified.
    """
    models = suite.models().set_index("model_id")
    quantized = suite.quantized(choice.setting).set_index("model_id")
    trained = suite.quantized(UNQUANTIZED).set_index("model_id")
    lengths = code_lengths(suite, choice)
    return pd.DataFrame(
        [
            {
                "model_id": name,
                **models.loc[name, ["params_total", "train_tokens", "vocab_size"]],
                **{term.key: getattr(bound, term.key) for term in TERMS},
                "total_nats": bound.total_nats,
                "gap_nats": bound.gap_nats,
                "measured_train_loss_nats": trained.loc[name, "train_loss_nats"],
                "measured_heldout_loss_nats": quantized.loc[name, "heldout_loss_nats"],
                "measured_heldout_se_nats": quantized.loc[name, "heldout_loss_se_nats"],
                "code_bits": lengths[name],
                "code_nats_per_token": bound.complexity_per_token.code_nats,
                "confidence_nats_per_token": bound.complexity_per_token.confidence_nats,
                "alpha": bound.alpha,
                "loss_range_nats": bound.loss_range_nats,
                **bound.parameters,
                "certified": choice.certified,
            }
            for name, bound in bounds_by_model(suite, choice).items()
        ]
    )


def best_setting(
    suite: Suite, choice: Choice, model_id: str, quantizer: str | None = None
) -> tuple[Setting, float]:
    """The setting at which one model's gap is smallest, all else as chosen, and that gap.

    A code names its setting in its first bytes, so choosing it afterwards is paid for.

    Args:
        quantizer: to look among its rates only.
    """
    gaps = {}
    for setting in suite.settings():
        if quantizer not in (None, setting.quantizer):
            continue
        bounds = bounds_by_model(suite, replace(choice, setting=setting), model_id)
        if model_id in bounds:
            gaps[setting] = bounds[model_id].gap_nats
    best = min(gaps, key=gaps.__getitem__)
    return best, gaps[best]


def steps_to_ours(suite: Suite, choice: Choice, model_id: str) -> pd.DataFrame:
    """What each step from the paper's bound to ours takes off one model's gap.

    Every step is a bound that holds by itself at the same delta.  The forms come first, at the
    chosen code; then a stored model is entropy-coded; the last step moves to the quantizer and
    rate where ours is smallest.

    Columns: step (``|`` where a label may break), gap_nats (after the step), change_nats (0 for
    the first).
    """

    def gap(choice: Choice) -> float:
        return bounds_by_model(suite, choice, model_id)[model_id].gap_nats

    gaps = [(label, gap(replace(choice, form=form))) for form, label in STEPS]
    ours = replace(choice, form=STEPS[-1][0])
    if ours.code == "stored":
        ours = replace(ours, code="entropy_coded")
        gaps.append(("Entropy-code|the weights", gap(ours)))
    best, smallest = best_setting(suite, ours, model_id)
    gaps.append((f"Best setting:|{best.label.replace(', ', '|')}", smallest))
    frame = pd.DataFrame(gaps, columns=["step", "gap_nats"])
    return frame.assign(change_nats=frame["gap_nats"].diff().fillna(0.0))
