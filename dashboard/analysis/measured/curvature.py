"""Data of the page *Curvature*: spectra, and traces over size, training and windows."""

import numpy as np
import pandas as pd

from bounds.curvature.spectrum import (
    evenness,
    evenness_error,
    from_symmetric_log,
    mean_and_error,
    spectral_density,
    symmetric_log,
)
from dashboard.artifacts.database import remembered
from dashboard.artifacts.settings import UNQUANTIZED, columns_of, setting_of
from dashboard.artifacts.suite import Suite

#: Matrices by their keys in the artifacts, with the names that the page shows.
MATRICES = {"hessian": "Hessian", "gauss_newton": "Gauss–Newton"}

#: How many decades below the largest eigenvalue the axis of a spectrum turns linear.
LINEAR_DECADES = 4

#: Places on that axis where a density is computed.
DENSITY_POINTS = 400

#: Standard errors each way of every band and bar.
BAND = 2.0


@remembered
def traces(suite: Suite) -> pd.DataFrame:
    """Means of all points: the state of the model and its traces.

    The trace is the mean of Hutchinson's and XTrace's estimates, which come from different random
    vectors, weighted by their numbers of products.  Points without one of the estimates are left
    out.

    Columns: model_id, params_total, train_fraction, setting (label), matrix, parameters, windows,
    dimension, probes, steps; trace and trace_sqrt, each with _se, _low and _high (two standard
    errors each way); trace_sqrt_top (with the quadrature error added); negative (minus the sum of
    eigenvalues below 0, over the trace); evenness with evenness_se and evenness_top.
    """
    rows = suite.query(
        """
        SELECT m.params_total, c.*
        FROM curvature c JOIN models m USING (model_id)
        WHERE probe IS NULL
        QUALIFY steps = max(steps) OVER (
            PARTITION BY model_id, c.train_fraction, quantizer, bits, group_size, step,
                quantizer_seed, matrix, parameters, windows, probes, quantity, method
        )
        ORDER BY params_total, model_id, c.train_fraction, windows
        """
    )
    keys = ["model_id", "params_total", "train_fraction", "setting", "matrix", "parameters"]
    keys += ["windows", "dimension"]
    rows = rows[rows["model_id"].isin(suite.models()["model_id"])]
    rows = rows.assign(setting=[setting_of(row).label for row in rows.to_dict("records")])
    out = [
        dict(zip(keys, key, strict=True)) | found
        for key, group in rows.groupby(keys, sort=False)
        for found in _of_point(group, int(key[-1]))
    ]
    return pd.DataFrame(out, columns=[*keys, *_COLUMNS])


#: Columns that describe the effort of a point.
_EFFORT = ["windows", "probes", "steps"]

_COLUMNS = [
    *("probes", "steps"),
    *(f"{q}{part}" for q in ("trace", "trace_sqrt") for part in ("", "_se", "_low", "_high")),
    *("trace_sqrt_top", "negative", "evenness", "evenness_se", "evenness_top"),
]


#: (quantity, method) of the estimates that a point needs.
_WANTED = {
    ("trace", "hutchinson"),
    ("trace", "xtrace"),
    ("trace_sqrt", "radau"),
    ("trace_negative", "radau"),
}


def _of_point(group: pd.DataFrame, size: int) -> list[dict]:
    """One row per number of probes that the point was measured with."""
    by = dict(iter(group.groupby(["quantity", "method"])))
    if not by.keys() >= _WANTED:
        return []
    test = by["trace", "xtrace"].iloc[0]
    out = []
    for root in by["trace_sqrt", "radau"].sort_values("probes").to_dict("records"):
        signs, below = (
            by[key][by[key]["probes"] == root["probes"]]
            for key in (("trace", "hutchinson"), ("trace_negative", "radau"))
        )
        if signs.empty or below.empty:
            continue
        trace = _weighted(signs.iloc[0], 1, test, 2)
        pairs = {"trace": trace, "trace_sqrt": (root["value"], root["standard_error"])}
        row = {"probes": root["probes"], "steps": root["steps"]}
        for quantity, (value, error) in pairs.items():
            row |= {quantity: value, f"{quantity}_se": error}
            row |= {f"{quantity}_low": value - BAND * error}
            row |= {f"{quantity}_high": value + BAND * error}
        row["trace_sqrt_top"] = root["value"] + root["quadrature_error"]
        row["negative"] = -below["value"].iloc[0] / trace[0]
        row["evenness"] = evenness(trace[0], root["value"], size)
        row["evenness_se"] = evenness_error(*pairs.values(), size)
        row["evenness_top"] = evenness(trace[0], row["trace_sqrt_top"], size)
        out.append(row)
    return out


def _weighted(a: pd.Series, a_products: int, b: pd.Series, b_products: int) -> tuple[float, float]:
    """Mean of two independent estimates by their numbers of products, and its standard error.

    Args:
        a_products, b_products: taken for each random vector.
    """
    parts = np.array([a_products * a["probes"], b_products * b["probes"]])
    share = parts / parts.sum()
    values = np.array([a["value"], b["value"]])
    errors = np.array([a["standard_error"], b["standard_error"]])
    return float(share @ values), float(np.sqrt(share**2 @ errors**2))


def whole_models(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    """Points of trained, unquantized models in all parameters, one per model.

    They use the largest number of windows that three models share, with the probes and steps of
    most models.

    Args:
        traces: from ``traces``.
        matrix: a key of ``MATRICES``.
    """
    frame = _unquantized(traces, matrix)
    frame = frame[frame["train_fraction"] == 1.0]
    effort = frame.groupby(_EFFORT, as_index=False)["model_id"].nunique()
    if effort.empty:
        return frame
    # During a run the cheapest points come first; they must not stay on top.
    enough = effort[effort["model_id"] >= min(3, effort["model_id"].max())]
    usual = enough.sort_values(["windows", "model_id", "probes"]).iloc[-1]
    return frame[frame[_EFFORT].eq(usual[_EFFORT]).all(axis=1)]


@remembered
def is_measured(suite: Suite, matrix: str) -> bool:
    """Whether the page can show this matrix: traces and spectra of a fully trained model."""
    points = whole_models(traces(suite), matrix)
    return len(points) > 0 and all(
        (at_point(spectra(suite, p["model_id"], matrix), p)["train_fraction"] == 1.0).any()
        for _, p in points.iterrows()
    )


def failed(suite: Suite) -> tuple[list[str], bool]:
    """Why units of the curvature stage failed or were skipped, and whether any was planned.

    Each reason appears once, the most frequent first.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = suite.query(
        """
        SELECT status, error FROM units WHERE stage = 'curvature'
        GROUP BY status, error ORDER BY count(*) DESC, error
        """
    )
    return [str(e) for e in rows["error"].dropna()], len(rows) > 0


def over_training(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    """The models of ``whole`` during training, on the same windows with the same random vectors."""
    ends = whole_models(traces, matrix)[["model_id", *_EFFORT]]
    return _unquantized(traces, matrix).merge(ends)


def over_windows(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    """The models of ``whole`` on other numbers of windows."""
    ends = whole_models(traces, matrix)[["model_id", "probes", "steps"]]
    frame = _unquantized(traces, matrix)
    return frame[frame["train_fraction"] == 1.0].merge(ends)


def over_settings(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    """The models of ``whole`` with quantized weights, and as trained."""
    ends = whole_models(traces, matrix)[["model_id", *_EFFORT]]
    frame = _in_all_parameters(traces, matrix)
    return frame[frame["train_fraction"] == 1.0].merge(ends)


def _unquantized(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    frame = _in_all_parameters(traces, matrix)
    return frame[frame["setting"] == UNQUANTIZED.label]


def _in_all_parameters(traces: pd.DataFrame, matrix: str) -> pd.DataFrame:
    return traces[(traces["matrix"] == matrix) & (traces["parameters"] == "all")]


def spectra(suite: Suite, model_id: str, matrix: str) -> pd.DataFrame:
    """Quadratures of one model in all its parameters, unquantized.

    Columns: train_fraction, windows, probes, steps, probe, ritz_value, weight.
    """
    values = columns_of(UNQUANTIZED)
    return suite.query(
        """
        SELECT train_fraction, windows, probes, steps, probe, ritz_value, weight FROM spectra
        WHERE model_id = ? AND matrix = ? AND parameters = 'all' AND quantizer = ? AND bits = ?
        ORDER BY ALL
        """,
        [model_id, matrix, *values[:2]],
    )


def linear_below(nodes: pd.DataFrame) -> float:
    """The place where the axis of these spectra turns linear: a power of ten,
    ``LINEAR_DECADES`` below the largest Ritz value."""
    largest = float(nodes["ritz_value"].abs().max())
    return 10.0 ** (np.ceil(np.log10(largest)) - LINEAR_DECADES) if largest > 0 else 1.0


def at_point(nodes: pd.DataFrame, point: pd.Series) -> pd.DataFrame:
    """Rows of ``spectra`` that were measured like ``point``, a row of ``traces``, at any share of
    training."""
    return nodes[nodes[_EFFORT].eq(point[_EFFORT].astype(int)).all(axis=1)]


def densities(nodes: pd.DataFrame, by: str, bandwidth: float, threshold: float) -> pd.DataFrame:
    """Smoothed spectra, one for each value of ``by``, on the symmetric-log axis.

    Args:
        nodes: from ``spectra``, of one point.
        by: a column of it.
        bandwidth: decades.
        threshold: where the axis turns linear.

    Returns:
        Columns: ``by``, place (decades on the axis), eigenvalue, density (share of eigenvalues per
        decade, mean over probes), low and high (two standard errors over probes each way).
    """
    places = symmetric_log(nodes["ritz_value"].to_numpy(), threshold)
    margin = 4 * bandwidth
    at = np.linspace(places.min() - margin, places.max() + margin, DENSITY_POINTS)
    frames = []
    for value, group in nodes.groupby(by):
        curves = np.stack(
            [
                spectral_density(p["ritz_value"], p["weight"], at, bandwidth, threshold)
                for _, p in group.groupby("probe")
            ]
        )  # (probes, places)
        error = curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
        mean = curves.mean(axis=0)
        columns = {"density": mean, "low": mean - BAND * error, "high": mean + BAND * error}
        frames.append(
            pd.DataFrame(
                {by: value, "place": at, "eigenvalue": from_symmetric_log(at, threshold)} | columns
            )
        )
    return pd.concat(frames, ignore_index=True)


def by_steps(suite: Suite, model_id: str, matrix: str) -> pd.DataFrame:
    """The root's trace of the trained model against the number of Lanczos steps, by both rules.

    Only the point with the most steps is used.

    Columns: method, steps, probes, windows, value, low, high.  It may have more probes than
    ``whole_models``.
    """
    rows = suite.query(
        """
        SELECT method, steps, probes, windows, value, standard_error FROM curvature
        WHERE model_id = ? AND matrix = ? AND parameters = 'all' AND quantizer = 'none'
          AND train_fraction = 1.0 AND quantity = 'trace_sqrt' AND probe IS NULL
        ORDER BY ALL
        """,
        [model_id, matrix],
    )
    return _most_effort(rows).assign(
        low=lambda f: f["value"] - BAND * f["standard_error"],
        high=lambda f: f["value"] + BAND * f["standard_error"],
    )


def by_probes(suite: Suite, model_id: str, matrix: str) -> pd.DataFrame:
    """Both traces of the trained model from its first 2, 3, ... random vectors.

    Columns: quantity, count, value, low, high, as multiples of the mean over all, of the point with
    most random vectors.
    """
    rows = suite.query(
        """
        SELECT quantity, method, steps, probes, windows, probe, value FROM curvature
        WHERE model_id = ? AND matrix = ? AND parameters = 'all' AND quantizer = 'none'
          AND train_fraction = 1.0 AND probe IS NOT NULL
          AND (quantity, method) IN (('trace', 'hutchinson'), ('trace_sqrt', 'radau'))
        QUALIFY steps = max(steps) OVER (PARTITION BY method, probes, windows)
        ORDER BY ALL
        """,
        [model_id, matrix],
    )
    out = []
    for quantity, group in rows.groupby("quantity"):
        values = _most_effort(group).sort_values("probe")["value"].to_numpy()
        for count in range(2, len(values) + 1):
            mean, error = mean_and_error(values[:count])
            whole = values.mean()
            row = {"quantity": quantity, "count": count, "value": mean / whole}
            row |= {"low": (mean - BAND * error) / whole, "high": (mean + BAND * error) / whole}
            out.append(row)
    return pd.DataFrame(out, columns=["quantity", "count", "value", "low", "high"])


def _most_effort(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the point with most probes, and of these with most windows."""
    if rows.empty:
        return rows
    most = rows.sort_values(["probes", "windows"]).iloc[-1]
    return rows[(rows["probes"] == most["probes"]) & (rows["windows"] == most["windows"])]
