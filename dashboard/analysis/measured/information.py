"""Data of the page *Information*: K(h) by several codes, and the area that defines it."""

import math

import numpy as np
import pandas as pd

from bounds import power_law_information_nats
from bounds.laws.crossing import Crossing, crossing
from bounds.laws.power_law import power_law_alone
from bounds.laws.unfittable import UnfittableError
from dashboard.analysis.bound.terms import PREQUENTIAL, REQUENTIAL, Choice, code_lengths
from dashboard.analysis.laws.fits import Law, Unfitted, law_of
from dashboard.analysis.laws.published import published_curves
from dashboard.artifacts.database import remembered
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite

#: Every code, in the legend's order: those of figure 3 of the paper first.
FIGURE_CODES = (PREQUENTIAL, "nominal", "stored", "entropy_coded", REQUENTIAL)

#: Maximum number of points that online losses are averaged to for drawing.
CURVE_POINTS = 300

#: Share of the training that the closed form is fitted to: after the warm-up and before the
#: cooldown, where the learning rate is constant (docs/THEORY.md, section 9), and its points.
CONSTANT_RATE, _FIT_POINTS = (0.05, 0.70), 24


@remembered
def by_model(suite: Suite) -> pd.DataFrame:
    """K(h) of every model by every method, smallest model first.

    Columns: model_id, params_total, train_tokens, k_bits, bits_per_parameter and excess_nats (mean
    excess of the online loss, K/D) by the best method measured, method, recomputed_bits (the area
    over `online_losses`, NaN without them), checkpoint_bits with checkpoint_error_bits (NaN if
    not measured), closed_form_bits with data_exponent beta (NaN where no law fits),
    final_loss_nats.
    """
    best = suite.information().set_index("model_id")
    chains = suite.query("FROM information WHERE method = 'checkpoints'").set_index("model_id")
    rows = []
    for model in suite.models().itertuples():
        if model.model_id not in best.index:
            continue
        row, name = best.loc[model.model_id], model.model_id
        chain = chains.loc[name] if name in chains.index else {}
        closed, beta = _closed_form(suite, name, model.train_tokens)
        nats = {
            "k_bits": row["k_nats"],
            "recomputed_bits": _area(suite, name, row["final_loss_nats"]),
            "checkpoint_bits": chain.get("k_nats", math.nan),
            "checkpoint_error_bits": chain.get("error_nats", math.nan),
            "closed_form_bits": closed,
        }
        rows.append(
            {
                "model_id": name,
                "params_total": int(model.params_total),
                "train_tokens": int(model.train_tokens),
                "method": row["method"],
                **{key: value / math.log(2) for key, value in nats.items()},
                "data_exponent": beta,
                "final_loss_nats": row["final_loss_nats"],
            }
        )
    columns = ["model_id", "params_total", "train_tokens", "method", "k_bits", "recomputed_bits"]
    columns += ["checkpoint_bits", "checkpoint_error_bits", "closed_form_bits", "data_exponent"]
    frame = pd.DataFrame(rows, columns=[*columns, "final_loss_nats"])
    return frame.assign(
        bits_per_parameter=frame["k_bits"] / frame["params_total"],
        excess_nats=frame["k_bits"] * math.log(2) / frame["train_tokens"],
    )


def _area(suite: Suite, model_id: str, final_loss_nats: float) -> float:
    """K(h) in nats, recomputed by SQL from the batches."""
    return float(
        suite.query(
            """
            SELECT sum((loss_nats - ?) * tokens) AS area FROM (
                SELECT loss_nats,
                       tokens_seen - lag(tokens_seen, 1, 0) OVER (ORDER BY tokens_seen) AS tokens
                FROM online_losses WHERE model_id = ?)
            """,
            [final_loss_nats, model_id],
        )["area"].fillna(math.nan)[0]
    )


def _closed_form(suite: Suite, model_id: str, train_tokens: int) -> tuple[float, float]:
    """(K in nats, beta) of E + B/d^beta fitted to the online losses at a constant rate."""
    curve = online_curve(suite, model_id, batches=None)
    seen = curve["tokens_seen"].to_numpy()
    low, high = (share * train_tokens for share in CONSTANT_RATE)
    bins = np.digitize(seen, np.geomspace(low, high, _FIT_POINTS + 1))
    groups = curve.assign(bin=bins).query(f"0 < bin <= {_FIT_POINTS}").groupby("bin")
    points = groups[["tokens_seen", "loss_nats"]].mean()
    try:
        c, beta, _ = power_law_alone(points["tokens_seen"], points["loss_nats"], floor=True)
        return power_law_information_nats(c, beta, train_tokens), beta
    except (UnfittableError, ValueError):
        return math.nan, math.nan


def online_curve(suite: Suite, model_id: str, batches: int | None = CURVE_POINTS) -> pd.DataFrame:
    """Online losses of one model, averaged over runs of batches to about ``batches`` points.

    All batches if None. Columns: start and tokens_seen (its end), loss_nats.
    The average is over tokens, so that areas are those of the batches.
    """
    return suite.query(
        """
        SELECT min(tokens_seen - tokens) AS start, max(tokens_seen) AS tokens_seen,
               sum(loss_nats * tokens) / sum(tokens) AS loss_nats
        FROM (SELECT *, tokens_seen - lag(tokens_seen, 1, 0) OVER (ORDER BY tokens_seen) AS tokens,
                     row_number() OVER (ORDER BY tokens_seen) - 1 AS batch, count(*) OVER () AS n
              FROM online_losses WHERE model_id = ?)
        GROUP BY batch // greatest(1, n // ?) ORDER BY 1
        """,
        [model_id, 10**12 if batches is None else batches],
    )


def area_curve(suite: Suite, model_id: str, final_loss_nats: float) -> pd.DataFrame:
    """The two curves whose area is K(h): columns tokens, loss_nats, final_loss_nats.

    From the online losses, or else from checkpoints, each against the final model on the same
    windows, with the end of the training, where the two are equal.
    """
    online = online_curve(suite, model_id)
    if len(online):
        tokens = (online["start"] + online["tokens_seen"]) / 2
        return online[["loss_nats"]].assign(tokens=tokens, final_loss_nats=final_loss_nats)
    kept = checkpoint_curve(suite, model_id).rename(columns={"tokens_seen": "tokens"})
    end = suite.models().set_index("model_id").loc[model_id, "train_tokens"]
    last = {"tokens": end, "loss_nats": final_loss_nats, "final_loss_nats": final_loss_nats}
    return pd.concat([kept[[*last]], pd.DataFrame([last])], ignore_index=True)


def checkpoint_curve(suite: Suite, model_id: str) -> pd.DataFrame:
    """Losses of one model's checkpoints on unseen text: tokens_seen, loss_nats, step."""
    return suite.query(
        """
        SELECT train_step, tokens_seen, loss_nats, final_loss_nats, excess_se_nats
        FROM checkpoint_losses WHERE model_id = ? ORDER BY tokens_seen
        """,
        [model_id],
    )


@remembered
def by_code(suite: Suite, setting: Setting) -> pd.DataFrame:
    """Bits of every model by each code, at a setting those that depend on it.

    Columns: model_id, params_total, code, total_bits, bits_per_parameter, certified.
    """
    frames = []
    for code in FIGURE_CODES:
        # Neither delta nor the form changes a length.
        choice = Choice(setting, code, 0.5).with_code(code)
        frames.append(bits_of(suite, choice).assign(code=code, certified=choice.can_certify))
    return pd.concat(frames, ignore_index=True)


def bits_of(suite: Suite, choice: Choice) -> pd.DataFrame:
    """Bits of every model by one code: model_id, params_total, total_bits, bits_per_parameter."""
    lengths = code_lengths(suite, choice)
    models = suite.models()[["model_id", "params_total"]]
    rows = models[models["model_id"].isin(lengths.index)]
    bits = rows["model_id"].map(lengths).astype(float)
    return rows.assign(total_bits=bits, bits_per_parameter=bits / rows["params_total"])


def reported(suite: Suite, reach: float, key: str) -> pd.DataFrame:
    """Values that others report, over this suite's sizes and up to ``reach``: the paper's for
    Pythia, and if the suite has students, those of others.

    Args:
        key: ``total_bits`` or ``bits_per_parameter``.
    """
    ratio = suite.tokens_per_parameter()
    per_parameter = key == "bits_per_parameter"
    quantities = ("information_bits", *(("requential_bits",) if suite.has_students else ()))
    found = [
        published_curves(quantity, suite.models(), reach, ratio, per_parameter=per_parameter)
        for quantity in quantities
    ]
    return pd.concat(found, ignore_index=True).dropna(subset=["value"])


def code_laws(codes: pd.DataFrame, key: str) -> dict[str, Law]:
    """Law of one column of ``by_code`` in the model size, by code."""
    return {code: law_of(rows, key) for code, rows in codes.groupby("code", sort=False)}


def crossings(laws: dict[str, Law]) -> dict[str, Crossing | Unfitted]:
    """Where each other code's law crosses the prequential law, or why that is unknown."""
    prequential = laws.get(PREQUENTIAL, Unfitted("nothing was measured"))
    found = {}
    for code, law in laws.items():
        if code in (PREQUENTIAL, REQUENTIAL):
            continue  # the student's bits are no size of a file
        reason = next((x for x in (prequential, law) if isinstance(x, Unfitted)), None)
        try:
            found[code] = reason or crossing(prequential, law)
        except ValueError:
            found[code] = Unfitted("the codes were measured on different models", "crossing")
    return found


def without_smallest(models: pd.DataFrame) -> pd.DataFrame:
    """Exponent of K(h) without the smallest sizes, one more left out in each row.

    Columns: left_out, models, exponent (of K in N, positive) with its interval low to high.
    """
    rows = []
    ordered = models.sort_values("params_total")
    for left_out in range(len(ordered)):
        law = law_of(ordered.iloc[left_out:], "k_bits")
        if isinstance(law, Unfitted):
            break
        low, high = law.exponent_interval
        rows.append((left_out, len(ordered) - left_out, -law.exponent, -high, -low))
    return pd.DataFrame(rows, columns=["left_out", "models", "exponent", "low", "high"])
