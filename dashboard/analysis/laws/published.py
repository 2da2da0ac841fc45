"""Published laws over a range of sizes, to be drawn with a suite's own laws."""

import numpy as np
import pandas as pd

from bounds.laws.published import NON_EMBEDDING, PublishedLaw, published

#: Sizes at which a published law is drawn.
_POINTS = 80


def published_curves(
    quantity: str,
    models: pd.DataFrame,
    reach: float,
    tokens_per_parameter: float,
    per_parameter: bool = False,
    keys: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Published laws of a quantity from the smallest measured model up to ``reach``.

    Columns: law (label), params_total, value, inside (of the range of its models), part (a run
    of sizes that are all inside or all outside).

    Args:
        quantity: of ``bounds.laws.published``.
        models: rows of the suite's `models`.
        tokens_per_parameter: D/N along the frontier.
        per_parameter: divide by N.
        keys: which laws; all of the quantity if None.
    """
    smallest, largest = models["params_total"].min(), models["params_total"].max()
    sizes = np.geomspace(smallest, max(reach, largest), _POINTS)
    frames = []
    for law in published(quantity):
        if keys is not None and law.key not in keys:
            continue
        counted = sizes_as_counted(law, sizes, models)
        values = law.value(counted, tokens_per_parameter * sizes)
        inside = law.covers(counted, tokens_per_parameter * sizes)
        part = np.cumsum(np.diff(inside.astype(int), prepend=inside[0].astype(int)) != 0)
        frames.append(
            pd.DataFrame(
                {
                    "law": law.label,
                    "params_total": sizes,
                    "value": values / sizes if per_parameter else values,
                    "inside": inside,
                    "part": part,
                }
            )
        )
    columns = ["law", "params_total", "value", "inside", "part"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def sizes_as_counted(law: PublishedLaw, sizes: np.ndarray, models: pd.DataFrame) -> np.ndarray:
    """N as the law counts it, for models shaped like the suite's."""
    return nonembedding(sizes, models) if law.parameters == NON_EMBEDDING else sizes


def nonembedding(
    sizes: np.ndarray, models: pd.DataFrame, vocab_size: int | None = None
) -> np.ndarray:
    """Parameters outside the embeddings of models with ``sizes`` parameters in total.

    The share of embeddings is interpolated between the suite's models on log axes, extrapolated
    from the last two, and proportional to the vocabulary; NaN where no parameters remain.
    """
    known = models.sort_values("params_total").drop_duplicates("params_total")
    total, embedding = (known[key].to_numpy(float) for key in ("params_total", "params_embedding"))
    x, y, share = np.log(sizes), np.log(total), np.log(embedding / total)
    inside = np.interp(x, y, share)
    if len(known) > 1:
        slope = min((share[-1] - share[-2]) / (y[-1] - y[-2]), 0.0)
        inside = np.where(x > y[-1], share[-1] + slope * (x - y[-1]), inside)
    factor = 1.0 if vocab_size is None else vocab_size / float(models["vocab_size"].max())
    rest = sizes * (1.0 - factor * np.exp(inside))
    return np.where(rest > 0, rest, np.nan)
