"""Quantization gaps predicted from curvature, and their accuracy (section 7)."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

import schema
from bounds.curvature.prediction import Agreement, agreement
from dashboard.analysis.laws.fits import Unfitted
from dashboard.analysis.measured.curvature import BAND, traces
from dashboard.analysis.measured.quantization import gaps
from dashboard.artifacts.database import remembered
from dashboard.artifacts.settings import QUANTIZERS, Setting, setting_of
from dashboard.artifacts.suite import Suite

#: Fewest bits at which the constant of a prediction is fitted: below, rounding steps are large.
FITTED_BITS = 3


@dataclass(frozen=True)
class Predictor:
    """One prediction of a gap up to a constant.

    Attributes:
        key: column of ``predictions``.
        label: name on the page.
        formula: of the factor besides (2^b - 1)^-2.
    """

    key: str
    label: str
    formula: str


PREDICTORS = (
    Predictor(
        "whole_gauss_newton",
        "Whole model, Gauss–Newton",
        r"\overline{w^2}\,\mathrm{Tr}(\sqrt{G})^2/n",
    ),
    Predictor(
        "whole_hessian", "Whole model, Hessian", r"\overline{w^2}\,\mathrm{Tr}(\sqrt{H})^2/n"
    ),
    Predictor(
        "layers",
        "Layer by layer",
        r"\sum_l m_l\,\overline{w_l^2}\,\mathrm{tr}(\sqrt{H_l})^2/n_l",
    ),
    Predictor("no_feedback", "Without feedback, Gauss–Newton", r"\overline{w^2}\,\mathrm{Tr}(G)"),
    Predictor("bits_alone", "Bits alone", "1"),
)


def quantizers(suite: Suite) -> dict[str, str]:
    """Quantizers on clipped grids, measured at two rates or more, label -> key."""
    settings = [s for s in suite.measured_settings() if _is_clipped(s)]
    counts = Counter(setting.family for setting in settings)
    return {q.label: q.key for q in QUANTIZERS if counts[q] >= 2}


def _is_clipped(setting: Setting) -> bool:
    return setting.family.key != "none" and setting.bits is not None and not setting.group_size


@remembered
def predictions(suite: Suite, quantizer: str) -> pd.DataFrame:
    """Measured gap and unscaled predictions of every model at every bitrate of a quantizer.

    Columns: model_id, params_total, bits, quantization_gap_nats, low, high, clear (whether the gap
    is above 0 by two standard errors), and one per predictor, NaN where it was not measured.

    Args:
        quantizer: value of the artifacts' column.
    """
    measured = gaps(suite)
    curvature = _quantized_traces(suite)
    out = []
    for setting in suite.measured_settings():
        if setting.quantizer != quantizer or not _is_clipped(setting):
            continue
        weights = _weights(suite).get(setting)
        if weights is None:
            continue
        for row in measured[measured["setting"] == setting.label].to_dict("records"):
            model_id = row["model_id"]
            if model_id not in weights.index:
                continue
            scale = (2.0**setting.bits - 1.0) ** -2
            squared = weights.loc[model_id, "mean_squared_weight"]
            found = {"layers": scale * weights.loc[model_id, "layers"], "bits_alone": scale}
            for matrix in ("gauss_newton", "hessian"):
                point = curvature.get((model_id, matrix))
                root = np.nan if point is None else point["trace_sqrt"] ** 2 / point["dimension"]
                found[f"whole_{matrix}"] = scale * squared * root
                if matrix == "gauss_newton":
                    trace = np.nan if point is None else point["trace"]
                    found["no_feedback"] = scale * squared * trace
            kept = ("model_id", "params_total", "quantization_gap_nats")
            found |= {"low": row["gap_low_nats"], "high": row["gap_high_nats"]}
            clear = row["quantization_gap_nats"] > BAND * row["gap_se_nats"]
            out.append(
                {key: row[key] for key in kept} | {"bits": setting.bits, "clear": clear} | found
            )
    columns = ["model_id", "params_total", "bits", "quantization_gap_nats", "low", "high", "clear"]
    return pd.DataFrame(out, columns=[*columns, *(p.key for p in PREDICTORS)])


def _quantized_traces(suite: Suite) -> dict[tuple[str, str], dict]:
    """(model_id, matrix) -> traces in the quantized parameters only, of the trained model."""
    frame = traces(suite)
    chosen = (frame["parameters"] == "quantized") & (frame["train_fraction"] == 1.0)
    rows = frame[chosen].sort_values(["windows", "probes"]).to_dict("records")
    return {(row["model_id"], row["matrix"]): row for row in rows}


@remembered
def _weights(suite: Suite) -> dict[Setting, pd.DataFrame]:
    """Weights by setting and model: mean_squared_weight of the quantized parameters; layers, the
    sum of
    rows * mean squared weight * tr(sqrt(H))^2 / columns over linear layers."""
    # One query: each reads every file of the table.
    rows = suite.query("SELECT * FROM layers WHERE rows > 0 ORDER BY model_id, layer")
    size = rows["rows"] * rows["columns"]
    rows = rows.assign(
        size=size,
        squares=size * rows["mean_squared_weight"],
        layers=rows["rows"]
        * rows["mean_squared_weight"]
        * rows["trace_sqrt_h"] ** 2
        / rows["columns"]
        * (rows["kind"] == "linear"),
    )
    names = [field.name for field in schema.SETTING_FIELDS]
    found = {}
    for values, group in rows.groupby(names, dropna=False):
        # A layer without a trace leaves the model without a prediction.
        sums = group.groupby("model_id")[["size", "squares", "layers"]].sum(skipna=False)
        sums = sums.assign(mean_squared_weight=sums["squares"] / sums["size"])
        found[setting_of(dict(zip(names, values, strict=True)))] = sums
    return found


def comparable(predicted: pd.DataFrame) -> pd.DataFrame:
    """The rows that all predictors are compared on: clear gaps with a value of every predictor.

    Predictors that were not measured at all are ignored.
    """
    keys = [p.key for p in PREDICTORS if predicted[p.key].notna().any()]
    return predicted[predicted["clear"] & (predicted[keys] > 0).all(axis=1)]


def agreements(predicted: pd.DataFrame) -> dict[str, tuple[Agreement, Agreement] | Unfitted]:
    """Agreement of each predictor from ``FITTED_BITS`` on, and with 2 bits; or why it is unknown.

    Groups are bitrates.
    """
    rows = comparable(predicted)
    return {predictor.key: _agreement(rows, predictor.key) for predictor in PREDICTORS}


def _agreement(rows: pd.DataFrame, key: str) -> tuple[Agreement, Agreement] | Unfitted:
    if rows[key].isna().any():
        return Unfitted("not measured", "agreement")
    if rows["model_id"].nunique() < 3:
        return Unfitted(f"needs at least 3 models, not {rows['model_id'].nunique()}", "agreement")
    fine = rows[rows["bits"] >= FITTED_BITS]
    try:
        return tuple(agreement(f[key], f["quantization_gap_nats"], f["bits"]) for f in (fine, rows))
    except ValueError as error:
        return Unfitted(str(error), "agreement")


def scaled(predicted: pd.DataFrame, key: str, constant: float) -> pd.DataFrame:
    """Clear gaps with one prediction: columns of ``predictions`` with predicted_nats, and ratio
    (measured over predicted)."""
    frame = comparable(predicted)
    nats = constant * frame[key]
    return frame.assign(predicted_nats=nats, ratio=frame["quantization_gap_nats"] / nats)


@dataclass(frozen=True)
class Jump:
    """The gap below ``FITTED_BITS`` compared with the finer rates of the same models.

    Attributes:
        factor: measured over expected, median over models.
        fine_factor: typical factor by which the finer rates scatter about their own level.
        models: number of models with both.
    """

    factor: float
    fine_factor: float
    models: int


def jump_at_coarse_rates(scaled: pd.DataFrame) -> Jump | None:
    """The break of the quadratic approximation, if any; None if no model has both kinds of rates.

    Args:
        scaled: from ``scaled``.
    """
    logs = scaled.assign(log=np.log(scaled["ratio"]))
    is_fine = logs["bits"] >= FITTED_BITS
    fine, coarse = logs[is_fine], logs[~is_fine]
    level = fine.groupby("model_id")["log"].mean()
    jumps = (coarse.set_index("model_id")["log"] - level).dropna()
    if jumps.empty:
        return None
    scatter = (fine.set_index("model_id")["log"] - level).std(ddof=0)
    return Jump(float(np.exp(jumps.median())), float(np.exp(scatter)), jumps.index.nunique())


def feedback_leaves(suite: Suite) -> float | None:
    """Gap of GPTQ over that of rounding to nearest at the same bits; None without such gaps.

    The median over clear gaps of all models from ``FITTED_BITS`` on.
    """
    ours, rounded = (
        predictions(suite, quantizer).query("clear and bits >= @FITTED_BITS")
        for quantizer in ("gptq", "rtn")
    )
    both = ours.merge(rounded, on=["model_id", "bits"])
    if both.empty:
        return None
    return float((both["quantization_gap_nats_x"] / both["quantization_gap_nats_y"]).median())
