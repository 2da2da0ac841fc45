"""Every term of the bound for every model of a suite, at one choice of the controls."""

from dataclasses import dataclass

import pandas as pd

from bounds import PowerLaw, TokenLosses, UnfittableError, fit_power_law, four_term_bound
from dashboard.artifacts import Setting, Suite
from dashboard.text import TERMS

#: Code lengths a reader may choose, and whether each is the length of a real prefix-free code.
CODES = {"stored": True, "nominal": False}

UNQUANTIZED = Setting("none", 32)


@dataclass(frozen=True)
class Choice:
    """What the controls say.

    Attributes:
        setting: quantizer and bits.
        code: ``stored`` or ``nominal``.
        failure_probability: delta.
    """

    setting: Setting
    code: str
    failure_probability: float

    @property
    def certified(self) -> bool:
        """Whether the code length belongs to a real code, so that the bound is a certificate."""
        return CODES[self.code]


def bound_terms(suite: Suite, choice: Choice) -> pd.DataFrame:
    """One row per model that was measured at the setting, smallest first.

    Columns: model_id, params_total, train_tokens, vocab_size, one per term of
    ``text.TERMS``, total_nats, gap_nats (total minus training loss), the measured
    train_loss_nats of the unquantized and heldout_loss_nats (with heldout_loss_se_nats) of the
    quantized model, code_bits, complexity C with its shares, sigma_nats, s, alpha,
    loss_range_nats, certified.
    """
    models = suite.models()
    quantized = suite.quantized(choice.setting).set_index("model_id")
    losses = _by_model(suite.histograms(choice.setting))
    unquantized = _by_model(suite.histograms(UNQUANTIZED))
    trained = suite.quantized(UNQUANTIZED).set_index("model_id")
    rows = []
    for model in models.itertuples():
        name = model.model_id
        if name not in losses or name not in unquantized or name not in quantized.index:
            continue
        measured = quantized.loc[name]
        code_bits = float(measured[f"{choice.code}_bits"])
        bound = four_term_bound(
            unquantized[name].mean_loss_nats,
            losses[name],
            code_bits=code_bits,
            train_tokens=int(model.train_tokens),
            vocab_size=int(model.vocab_size),
            failure_probability=choice.failure_probability,
        )
        rows.append(
            {
                "model_id": name,
                "params_total": int(model.params_total),
                "train_tokens": int(model.train_tokens),
                "vocab_size": int(model.vocab_size),
                **{term.key: getattr(bound, term.key) for term in TERMS},
                "total_nats": bound.total_nats,
                "gap_nats": bound.gap_nats,
                "measured_train_loss_nats": float(trained.loc[name, "train_loss_nats"]),
                "measured_heldout_loss_nats": float(measured["heldout_loss_nats"]),
                "measured_heldout_se_nats": float(measured["heldout_loss_se_nats"]),
                "code_bits": code_bits,
                "code_nats_per_token": bound.complexity_per_token.code_nats,
                "confidence_nats_per_token": bound.complexity_per_token.confidence_nats,
                "sigma_nats": bound.parameters["sigma_nats"],
                "s": bound.parameters["s"],
                "alpha": bound.alpha,
                "loss_range_nats": bound.loss_range_nats,
                "certified": choice.certified,
            }
        )
    return pd.DataFrame(rows)


def _by_model(histograms: pd.DataFrame) -> dict[str, TokenLosses]:
    return {
        str(model_id): TokenLosses(
            cells["loss_nats"].to_numpy(),
            cells["entropy_nats"].to_numpy(),
            cells["tokens"].to_numpy(),
        )
        for model_id, cells in histograms.groupby("model_id", sort=False)
    }


def power_laws(terms: pd.DataFrame) -> dict[str, PowerLaw | str]:
    """Law of each term, and of the whole gap, in the model size; a sentence where none fits."""
    laws: dict[str, PowerLaw | str] = {}
    for key in [*(term.key for term in TERMS), "gap_nats"]:
        try:
            laws[key] = fit_power_law(terms["params_total"].to_numpy(), terms[key].to_numpy())
        except UnfittableError as reason:
            laws[key] = f"No law: {reason}."
    return laws
