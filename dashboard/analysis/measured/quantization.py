"""Data of the page *Quantization*: gaps, rates, bounds by rate, layers."""

from dataclasses import replace

import numpy as np
import pandas as pd

from dashboard.analysis.bound.terms import Choice, bounds_by_model, why_not_certified
from dashboard.analysis.laws.fits import Law, law_of
from dashboard.artifacts.database import remembered
from dashboard.artifacts.settings import (
    AT_SETTING,
    UNQUANTIZED,
    Setting,
    columns_of,
    setting_of,
)
from dashboard.artifacts.suite import Suite

#: The tokens that a gap was measured on.
ALL_TOKENS, SAMPLED = "all training tokens", "sampled windows"

_GAP_COLUMNS = [
    *("model_id", "params_total", "quantizer", "rate", "setting"),
    *("nominal_bits", "stored_bits", "entropy_coded_bits"),
    *("quantization_gap_nats", "gap_se_nats", "gap_low_nats", "gap_high_nats"),
    *("train_loss_nats", "measured"),
]


@remembered
def gaps(suite: Suite) -> pd.DataFrame:
    """Every model at every quantized setting, fewest bits first.

    Columns: model_id, params_total, quantizer, rate and setting as labels; nominal_bits,
    stored_bits and entropy_coded_bits per parameter; quantization_gap_nats with its standard error
    gap_se_nats, gap_low_nats and gap_high_nats (two of them each way); train_loss_nats; measured
    (on which tokens).

    Where all training tokens were scored the gap is the difference of the two mean losses, and
    its standard error describes how it would vary over other windows of the same kind.  Otherwise
    the gap is the mean over sampled windows that both models were scored on, and its standard
    error describes the distance from the mean over all windows, with a correction for finite
    sampling.
    """
    models = suite.models().set_index("model_id")
    base = suite.quantized(UNQUANTIZED).set_index("model_id")["train_loss_nats"]
    rows = []
    for setting in suite.measured_settings():
        if setting == UNQUANTIZED:
            continue
        for row in suite.quantized(setting).itertuples():
            if row.model_id not in models.index:
                continue
            model = models.loc[row.model_id]
            windows = model["train_tokens"] / model["context_length"]
            if row.train_tokens_evaluated == model["train_tokens"]:
                gap = row.train_loss_nats - base[row.model_id]
                correction, measured = row.paired_windows / windows, ALL_TOKENS
            else:
                gap = row.paired_gap_nats
                # Windows of a sampled suite are drawn with replacement: no correction.
                share = 0.0 if suite.is_sampled else row.paired_windows / windows
                correction, measured = 1 - share, SAMPLED
            error = row.paired_gap_se_nats * correction**0.5
            rows.append(
                {
                    "model_id": row.model_id,
                    "params_total": int(model["params_total"]),
                    "quantizer": setting.family.label,
                    "rate": setting.rate_text,
                    "setting": setting.label,
                    **{
                        f"{code}_bits": getattr(row, f"{code}_bits") / model["params_total"]
                        for code in ("nominal", "stored", "entropy_coded")
                    },
                    "quantization_gap_nats": gap,
                    "gap_se_nats": error,
                    "gap_low_nats": gap - 2 * error,
                    "gap_high_nats": gap + 2 * error,
                    "train_loss_nats": base[row.model_id] + gap,
                    "measured": measured,
                }
            )
    return pd.DataFrame(rows, columns=_GAP_COLUMNS)


def laws(at_setting: pd.DataFrame) -> dict[str, Law]:
    """Laws in model size of the gap and of both files' bits per parameter at one setting.

    Args:
        at_setting: rows of ``gaps`` as ``Losses``.
    """
    keys = ("quantization_gap", "stored_bits", "entropy_coded_bits")
    return {key: law_of(at_setting, key) for key in keys}


def bounds_by_rate(
    suite: Suite,
    choice: Choice,
    settings: list[Setting] | None = None,
    model_id: str | None = None,
) -> pd.DataFrame:
    """The chosen bound at every setting that has one (or at some), of every model (or of one).

    Columns: model_id, params_total, quantizer, rate, setting, bits_per_parameter and total_bits
    (of the chosen code), bound_gap_nats, total_nats, train_loss_nats (measured, quantized),
    certified (of the bound) and not_certified_because, gap_certified, best (smallest total of its
    model).
    """
    models = suite.models().set_index("model_id")
    rows = []
    only = None if model_id is None else [model_id]
    for setting in suite.settings() if settings is None else settings:
        at_setting = replace(choice, setting=setting)
        measured = suite.quantized(setting).set_index("model_id")
        bits, losses = measured[f"{choice.code}_bits"], measured["train_loss_nats"]
        for name, bound in bounds_by_model(suite, at_setting, only).items():
            reason = why_not_certified(suite, at_setting, models.loc[name, "stand_in"])
            rows.append(
                {
                    "model_id": name,
                    "params_total": int(models.loc[name, "params_total"]),
                    "quantizer": setting.family.label,
                    "rate": setting.rate_text,
                    "setting": setting.label,
                    "bits_per_parameter": bits[name] / models.loc[name, "params_total"],
                    "total_bits": bits[name],
                    "bound_gap_nats": bound.gap_nats,
                    "total_nats": bound.total_nats,
                    "train_loss_nats": losses[name],
                    "certified": reason is None,
                    "gap_certified": reason is None and not suite.is_sampled,
                    "not_certified_because": reason,
                }
            )
    frame = pd.DataFrame(rows)
    smallest = frame.groupby("model_id")["total_nats"].transform("min")
    return frame.assign(best=frame["total_nats"] == smallest)


def layers(suite: Suite, setting: Setting, model_id: str) -> pd.DataFrame:
    """Every quantized matrix of one model at one setting, with the loss of plain rounding.

    Columns: those of the table, and feedback_ratio (loss over that of rounding to nearest).
    """
    frame = suite.layers(setting, model_id)
    return frame.assign(feedback_ratio=_ratio(frame["proxy_loss"], frame["rounding_proxy_loss"]))


def spending(suite: Suite, setting: Setting, model_id: str) -> pd.DataFrame:
    """What the entropy-coded file is spent on, the largest tensor first; empty if not recorded.

    Columns: parameter, kind, weights; codes_bits of its codes (or of its values, where they are on
    no grid), table_bits, scale_bits; bits_per_weight of all three, and share_of_file.
    """
    found = suite.query(
        f"""
        SELECT parameter, any_value(kind) AS kind, any_value(entries) AS weights,
               sum(coded_bits) FILTER (part IN ('codes', 'values')) AS codes_bits,
               coalesce(sum(coded_bits) FILTER (part = 'tables'), 0) AS table_bits,
               coalesce(sum(coded_bits) FILTER (part = 'scales'), 0) AS scale_bits,
               sum(coded_bits) AS all_bits
        FROM coded_tensors WHERE model_id = ? AND {AT_SETTING}
        GROUP BY parameter ORDER BY all_bits DESC, parameter
        """,
        [model_id, *columns_of(setting)],
    )
    whole = found["all_bits"]
    return found.drop(columns="all_bits").assign(
        bits_per_weight=whole / found["weights"], share_of_file=whole / max(whole.sum(), 1.0)
    )


def without_feedback(layers: pd.DataFrame) -> bool:
    """Whether rows of the table ``layers`` are of a quantizer that feeds no error back."""
    return bool(layers["damping"].isna().all())


#: Conditions for a linear layer with error feedback, and for one where rounding is better.
_FED_BACK = (
    "damping IS NOT NULL AND kind = 'linear'",
    "proxy_loss > rounding_proxy_loss * (1 + 1e-9)",
)


def feedback_counts(suite: Suite) -> pd.Series:
    """The number of layers, and of those where error feedback is worse than rounding to nearest.

    Entries: layers and lost (from 3 bits on, and every step), step_layers and step_lost (the
    unclipped grids among them), two_bits and two_bits_lost.
    """
    fed_back, lost = _FED_BACK
    counts = suite.query(
        f"""
        SELECT count(*) FILTER (coalesce(bits, 99) >= 3) AS layers,
               count(*) FILTER (coalesce(bits, 99) >= 3 AND {lost}) AS lost,
               count(*) FILTER (bits IS NULL) AS step_layers,
               count(*) FILTER (bits IS NULL AND {lost}) AS step_lost,
               count(*) FILTER (bits = 2) AS two_bits,
               count(*) FILTER (bits = 2 AND {lost}) AS two_bits_lost
        FROM layers SEMI JOIN models USING (model_id) WHERE {fed_back}
        """
    )
    return counts.iloc[0]


def exceptions(suite: Suite) -> pd.DataFrame:
    """Layers where error feedback is worse than rounding to nearest on the same grid.

    From 3 bits on, one seed of each size. Columns, as shown: model, quantizer, rate, layer, loss
    over that of rounding, and the share of codes at the ends of the grid with feedback and, where
    that was measured, without.
    """
    fed_back, lost = _FED_BACK
    rows = suite.query(
        f"""
        SELECT l.*, r.clipped_share AS rounded_share
        FROM (FROM layers WHERE {fed_back} AND {lost} AND coalesce(bits, 99) >= 3) l
        JOIN models m USING (model_id)
        LEFT JOIN (FROM layers WHERE quantizer = 'rtn') r
            ON r.model_id = l.model_id AND r.layer = l.layer AND r.bits = l.bits
            AND r.group_size IS NOT DISTINCT FROM l.group_size
        ORDER BY m.params_total, l.quantizer, l.bits, l.step, l.layer
        """
    )
    rows = rows[rows["model_id"].isin(suite.models()["model_id"])]  # other seeds are left out
    return pd.DataFrame(
        [
            {
                "model": row["model_id"],
                "quantizer": setting_of(row).family.label,
                "rate": setting_of(row).rate_text,
                "layer": row["layer"],
                "loss / rounding": row["proxy_loss"] / row["rounding_proxy_loss"],
                "at the ends": row["clipped_share"],
                "at the ends, rounded": row["rounded_share"],
            }
            for row in rows.to_dict("records")
        ]
    )


def rotation(suite: Suite, model_id: str) -> pd.DataFrame:
    """LDLQ with and without rotation, layer by layer, at every bit width that has both.

    Columns: layer, bits, predicted_ratio and measured_ratio (rotated over plain proxy loss).
    """
    return suite.query(
        """
        SELECT r.layer, r.bits,
               r.predicted_proxy_loss / p.predicted_proxy_loss AS predicted_ratio,
               r.proxy_loss / p.proxy_loss AS measured_ratio
        FROM layers r JOIN layers p USING (model_id, layer, bits)
        WHERE r.quantizer = 'ldlq_rotated' AND p.quantizer = 'ldlq' AND r.kind = 'linear'
          AND r.group_size IS NULL AND p.group_size IS NULL AND model_id = ?
          AND p.proxy_loss > 0 AND p.predicted_proxy_loss > 0
        ORDER BY bits, layer
        """,
        [model_id],
    )


def rotated(suite: Suite) -> list[str]:
    """Models, smallest first, that ``rotation`` has rows of."""
    models = suite.models()["model_id"]
    return [model_id for model_id in models if len(rotation(suite, model_id))]


def _ratio(above: pd.Series, below: pd.Series) -> np.ndarray:
    return np.divide(
        above.to_numpy(float),
        below.to_numpy(float),
        out=np.ones(len(above)),
        where=below.to_numpy(float) > 0,
    )
