"""What the page *Quantization* looks at: gaps, rates, bounds by rate, layers."""

from dataclasses import replace

import numpy as np
import pandas as pd

from dashboard.artifacts import Suite
from dashboard.settings import Setting, columns_of, setting_of
from dashboard.terms import UNQUANTIZED, Choice, bounds_by_model


def gaps(suite: Suite) -> pd.DataFrame:
    """Every model at every setting, lossless ones aside, fewest bits first.

    Columns: model_id, params_total, quantizer, rate and setting as labels; nominal_bits,
    stored_bits and entropy_coded_bits per parameter; gap_nats with its standard error gap_se_nats,
    low and high (two of them each way); train_loss_nats; measured (on what).

    Where all training tokens were scored the gap is the difference of the two mean losses; else it
    is the mean difference over the windows that both models were scored on.  The standard error
    is that of the paired differences: how much the gap would differ on other text of the kind.
    """
    return suite.remember("gaps", lambda: _gaps(suite))


def _gaps(suite: Suite) -> pd.DataFrame:
    models = suite.models().set_index("model_id")
    base = suite.quantized(UNQUANTIZED).set_index("model_id")["train_loss_nats"]
    rows = []
    for setting in suite.measured_settings():
        if setting.family.key == "none":
            continue
        for row in suite.quantized(setting).itertuples():
            if row.model_id not in models.index:
                continue
            model = models.loc[row.model_id]
            whole = row.train_tokens_evaluated == model["train_tokens"]
            gap = row.train_loss_nats - base[row.model_id] if whole else row.paired_gap_nats
            rows.append(
                {
                    "model_id": row.model_id,
                    "params_total": int(model["params_total"]),
                    "quantizer": setting.family.label,
                    "rate": setting.rate_in_words,
                    "setting": setting.label,
                    **{
                        f"{code}_bits": getattr(row, f"{code}_bits") / model["params_total"]
                        for code in ("nominal", "stored", "entropy_coded")
                    },
                    "gap_nats": gap,
                    "gap_se_nats": row.paired_gap_se_nats,
                    "low": gap - 2 * row.paired_gap_se_nats,
                    "high": gap + 2 * row.paired_gap_se_nats,
                    "train_loss_nats": base[row.model_id] + gap,
                    "measured": "all training tokens" if whole else "sampled windows",
                }
            )
    return pd.DataFrame(rows)


def bounds_by_rate(
    suite: Suite,
    choice: Choice,
    settings: list[Setting] | None = None,
    model_id: str | None = None,
) -> pd.DataFrame:
    """The chosen bound at every setting that has one (or at some), of every model (or of one).

    Columns: model_id, params_total, quantizer, rate, setting, bits_per_parameter and total_bits
    (of the chosen code), gap_nats, total_nats, train_loss_nats (quantized), best (smallest total of
    its model).
    """
    models = suite.models().set_index("model_id")
    rows = []
    for setting in suite.settings() if settings is None else settings:
        at_setting = replace(choice, setting=setting)
        bits = suite.quantized(setting).set_index("model_id")[f"{choice.code}_bits"]
        for name, bound in bounds_by_model(suite, at_setting, model_id).items():
            rows.append(
                {
                    "model_id": name,
                    "params_total": int(models.loc[name, "params_total"]),
                    "quantizer": setting.family.label,
                    "rate": setting.rate_in_words,
                    "setting": setting.label,
                    "bits_per_parameter": bits[name] / models.loc[name, "params_total"],
                    "total_bits": bits[name],
                    "gap_nats": bound.gap_nats,
                    "total_nats": bound.total_nats,
                    "train_loss_nats": bound.training_loss_nats + bound.quantization_gap_nats,
                }
            )
    frame = pd.DataFrame(rows)
    smallest = frame.groupby("model_id")["total_nats"].transform("min")
    return frame.assign(best=frame["total_nats"] == smallest)


def layers(suite: Suite, setting: Setting, model_id: str) -> pd.DataFrame:
    """Every quantized matrix of one model at one setting, with what rounding alone would lose.

    Columns: those of the table, and feedback_ratio (loss over that of rounding to nearest).
    """
    frame = suite.query(
        "SELECT * FROM layers WHERE model_id = ? AND quantizer = ? "
        "AND bits IS NOT DISTINCT FROM ? AND group_size IS NOT DISTINCT FROM ? "
        "AND step IS NOT DISTINCT FROM ? AND quantizer_seed IS NOT DISTINCT FROM ? ORDER BY layer",
        [model_id, *columns_of(setting)],
    )
    return frame.assign(feedback_ratio=_ratio(frame["proxy_loss"], frame["rounding_proxy_loss"]))


def exceptions(suite: Suite, least_bits: int = 3) -> pd.DataFrame:
    """Layers in which error feedback did worse than rounding to nearest on the same grid.

    Columns, as a reader sees them: model, quantizer, rate, layer, loss over that of rounding, and
    the share of codes that lie at the ends of a clipped grid.
    """
    rows = suite.query(
        """
        SELECT * FROM layers JOIN models USING (model_id)
        WHERE quantizer != 'rtn' AND coalesce(bits, 99) >= ?
          AND proxy_loss > rounding_proxy_loss * (1 + 1e-9)
        ORDER BY params_total, quantizer, bits, step, layer
        """,
        [least_bits],
    )
    found = []
    for row in rows.to_dict("records"):
        setting = setting_of(row)
        found.append(
            {
                "model": row["model_id"],
                "quantizer": setting.family.label,
                "rate": setting.rate_in_words,
                "layer": row["layer"],
                "loss / rounding": row["proxy_loss"] / row["rounding_proxy_loss"],
                "codes at the ends of the grid": row["clipped_share"],
            }
        )
    return pd.DataFrame(found)


def rotation(suite: Suite, model_id: str) -> pd.DataFrame:
    """LDLQ with and without rotation, layer by layer, at every number of bits that has both.

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


def _ratio(above: pd.Series, below: pd.Series) -> np.ndarray:
    return np.divide(
        above.to_numpy(float),
        below.to_numpy(float),
        out=np.ones(len(above)),
        where=below.to_numpy(float) > 0,
    )
