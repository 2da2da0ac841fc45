"""What was run: units of work by stage, failures, and code, libraries and seeds."""

import json
from collections import Counter

import pandas as pd

import schema
from dashboard.artifacts.settings import setting_of
from dashboard.artifacts.suite import Suite


def by_stage(suite: Suite) -> pd.DataFrame:
    """Units of each stage, in the order of a run.

    Columns: stage, units, failed, seconds (of all), longest_seconds, peak_memory_bytes, first and
    last (when a unit ended), what (a unit does).

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = suite.query(
        """
        SELECT stage, count(*) AS units, count(*) FILTER (status = 'failed') AS failed,
               sum(seconds) AS seconds, max(seconds) AS longest_seconds,
               max(peak_memory_bytes) AS peak_memory_bytes,
               min(finished_at) AS first, max(finished_at) AS last
        FROM units WHERE status <> 'skipped' GROUP BY stage ORDER BY stage
        """
    )
    place = {stage: i for i, stage in enumerate(schema.STAGES)}
    order = sorted(rows.index, key=lambda i: place.get(rows["stage"][i], len(place)))
    rows = rows.loc[order].reset_index(drop=True)
    return rows.assign(what=rows["stage"].map(schema.STAGES).fillna(""))


def failures(suite: Suite) -> pd.DataFrame:
    """Units that failed, the last first.

    Columns: stage, model_id, setting, error, seconds, device, finished_at.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = suite.query("FROM units WHERE status = 'failed' ORDER BY finished_at DESC")
    names = [
        setting_of(row).label if isinstance(row["quantizer"], str) else None
        for row in rows.to_dict("records")
    ]
    kept = rows[["stage", "model_id", "error", "seconds", "device", "finished_at"]]
    kept.insert(2, "setting", pd.Series(names, index=kept.index, dtype=object))
    return kept


def counted(suite: Suite, key: str) -> pd.DataFrame:
    """Columns value and files of ``Suite.provenance_counts``, the most frequent first.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = suite.provenance_counts(key).items()
    return pd.DataFrame(rows, columns=["value", "files"])


def libraries(suite: Suite) -> pd.DataFrame:
    """Libraries and versions that the units used: columns library, version, files, by name."""
    return _parts(suite, "library_versions", ["library", "version"])


def seeds(suite: Suite) -> pd.DataFrame:
    """Seeds by purpose: columns purpose, seed, files, by name."""
    return _parts(suite, "seeds", ["purpose", "seed"])


def _parts(suite: Suite, key: str, names: list[str]) -> pd.DataFrame:
    """Name and value of every entry of a column of JSON objects, and the files that have it."""
    found: Counter = Counter()
    for value, count in suite.provenance_counts(key).items():
        found.update(dict.fromkeys(entries(value).items(), count))
    rows = [(*pair, count) for pair, count in sorted(found.items())]
    return pd.DataFrame(rows, columns=[*names, "files"])


def entries(text: str) -> dict[str, str]:
    """Names and values of a JSON object in a file's metadata; empty if it is not an object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
