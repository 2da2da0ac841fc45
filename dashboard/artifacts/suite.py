"""The measurements of one suite of models, as the pages need them."""

from collections import Counter
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

import schema
from bounds import TokenLosses
from dashboard.artifacts.database import Database, remembered
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import (
    AT_SETTING,
    STUDENT,
    UNQUANTIZED,
    Setting,
    columns_of,
    setting_of,
)
from dashboard.artifacts.version import Version
from dashboard.artifacts.windows import SampledWindows, as_if_whole, read_windows, sampled_settings

#: Models at a setting whose sampled windows stay in memory: 4 to 5 MB each.
MOST_WINDOWS = 48


class Suite(Database):
    """Models, settings and losses of one suite, and their provenance."""

    def __init__(self, data_dir: Path, name: str, version: Version | None = None) -> None:
        """Open as ``Database``; the files must also belong together and have a measured model."""
        super().__init__(data_dir, name, version)
        self._losses: dict[Setting, dict[str, TokenLosses]] = {}
        self._windows = lru_cache(MOST_WINDOWS)(partial(read_windows, self))
        self._check_whole()

    def _check_whole(self) -> None:
        """Check across files: nothing foreign, nothing twice, at least one model."""
        fingerprints = {m.get("boundscape.suite_fingerprint", "") for m in self.metadata}
        if len(fingerprints) > 1:
            raise ArtifactError(
                f"The suite “{self.name}” mixes files of {len(fingerprints)} different "
                "suites; remove the ones that were copied in."
            )
        twice = self.query(
            """
            SELECT model_id FROM models GROUP BY model_id HAVING count(*) > 1
            UNION ALL
            SELECT model_id FROM quantized
            GROUP BY model_id, quantizer, bits, group_size, step, quantizer_seed
            HAVING count(*) > 1
            """
        )
        if len(twice):
            raise ArtifactError(
                f"The suite “{self.name}” contains {twice['model_id'][0]} twice at one setting; "
                "remove the file that was copied in."
            )
        if self.models().empty:
            raise ArtifactError(
                f"The suite “{self.name}” has no measured model yet; run `make compute` and "
                "reload this page."
            )

    @remembered
    def models(self) -> pd.DataFrame:
        """Trained models whose unquantized losses are measured, by size; the first seed of each."""
        found = self.every_model()
        return found[found["repeats"] == found["model_id"]].reset_index(drop=True)

    def every_model(self) -> pd.DataFrame:
        """``models`` and the repetitions of each with other seeds.

        Column ``repeats`` is the model_id of the corresponding one among ``models``.
        """
        return self.query(
            """
            SELECT m.*, first_value(m.model_id) OVER (
                PARTITION BY family, params_total, layers, hidden_size, train_tokens, corpus,
                    CASE WHEN seed IS NULL THEN model_id END
                ORDER BY seed, model_id
            ) AS repeats
            FROM models m
            WHERE m.train_fraction = 1.0
              AND EXISTS (FROM quantized q WHERE q.model_id = m.model_id AND q.quantizer = 'none')
            ORDER BY m.params_total, m.model_id
            """
        )

    def remarks(self) -> pd.DataFrame:
        """Columns model_id and remark of every trained or skipped model that has a remark.

        Checkpoints left out of a model's chain are one of its remarks.  For a model that was
        skipped entirely, the remark is the reason.
        """
        return self.query(
            """
            SELECT model_id, remark FROM (
                SELECT model_id, remark, params_total FROM models
                WHERE train_fraction = 1.0 AND remark IS NOT NULL
                UNION ALL
                SELECT model_id, 'earlier checkpoints left out, each with ' || holds
                    || if(count(*) = 1, ': step ', ': steps ')
                    || string_agg(format('{:,}', train_step), ', ' ORDER BY train_step), NULL
                FROM left_out_checkpoints GROUP BY model_id, holds
                UNION ALL
                SELECT model_id, 'not measured: ' || error, NULL FROM units
                WHERE status = 'skipped' AND stage = 'describe'
            ) ORDER BY params_total NULLS LAST, model_id
            """
        )

    def settings(self) -> list[Setting]:
        """Settings at which a bound can be computed, fewest bits first.

        All training tokens of at least one model were scored there, or in a sampled suite windows
        of both kinds.

        Raises:
            ArtifactError: there is none.
        """
        if self.is_sampled:
            found = sampled_settings(self, list(self.models()["model_id"]))
            settings = [setting for setting in self.measured_settings() if setting in found]
            if not settings:
                raise ArtifactError(
                    f"In the suite “{self.name}” no setting has losses of both training and "
                    "selection windows, so there is nothing to bound; measure one."
                )
            return settings
        found = self._settings("HAVING count(h.model_id) > 0")
        if not found:
            raise ArtifactError(
                f"In the suite “{self.name}” no setting was scored on all training tokens, so "
                "there is nothing to bound; measure one without train_windows."
            )
        return list(found)

    @remembered
    def bounded_at(self, setting: Setting) -> int:
        """The number of ``models`` with a bound at one of ``settings``."""
        if self.is_sampled:
            return len(self.models())
        rows = self.query(
            f"SELECT DISTINCT model_id FROM loss_histograms WHERE split = 'train' AND {AT_SETTING}",
            columns_of(setting),
        )
        return int(self.models()["model_id"].isin(rows["model_id"]).sum())

    def measured_settings(self) -> list[Setting]:
        """Settings at which at least one of ``models`` was scored, possibly on sampled windows
        only."""
        return list(self._settings(""))

    @remembered
    def _settings(self, condition: str) -> list[Setting]:
        names = ", ".join(field.name for field in schema.SETTING_FIELDS)
        same_setting = " AND ".join(
            f"h.{field.name} IS NOT DISTINCT FROM q.{field.name}" for field in schema.SETTING_FIELDS
        )
        rows = self.query(
            f"""
            WITH histograms AS (
                SELECT DISTINCT model_id, {names} FROM loss_histograms WHERE split = 'train'
            )
            SELECT q.quantizer, q.bits, q.group_size, q.step, q.quantizer_seed
            FROM quantized q JOIN models m USING (model_id)
                LEFT JOIN histograms h ON h.model_id = q.model_id AND {same_setting}
            WHERE m.train_fraction = 1.0
              AND EXISTS (FROM quantized n WHERE n.model_id = q.model_id AND n.quantizer = 'none')
            GROUP BY ALL {condition} ORDER BY avg(q.entropy_coded_bits / m.params_total),
                q.quantizer, q.bits, q.group_size, q.step, q.quantizer_seed
            """
        )
        return [setting_of(row) for row in rows.to_dict("records")]

    @property
    def has_students(self) -> bool:
        """Whether any model has a requential student."""
        return len(self.quantized(STUDENT)) > 0

    @property
    def is_sampled(self) -> bool:
        """Whether token losses are of sampled windows, and no training set was scored in full."""
        found = self.query(
            """
            SELECT EXISTS (FROM token_losses)
                   AND NOT EXISTS (FROM loss_histograms WHERE split = 'train') AS sampled
            """
        )
        return bool(found["sampled"][0])

    def windows(self, setting: Setting, model_id: str) -> SampledWindows | None:
        """Losses of one model's sampled windows, None without any; read once.

        Raises:
            ArtifactError: they are incomplete.
        """
        return self._windows(setting, model_id)

    def layers(self, setting: Setting, model_id: str) -> pd.DataFrame:
        """Rows of `layers` of one model at one setting, by name."""
        return self.query(
            f"SELECT * FROM layers WHERE model_id = ? AND {AT_SETTING} ORDER BY layer",
            [model_id, *columns_of(setting)],
        )

    def bits_per_parameter(self, setting: Setting) -> dict[str, float]:
        """Mean over models of each code's bits per parameter at one setting, by code."""
        row = self.query(
            f"""
            SELECT avg(stored_bits / params_total) AS stored,
                   avg(entropy_coded_bits / params_total) AS entropy_coded,
                   avg(nominal_bits / params_total) AS nominal
            FROM quantized JOIN models USING (model_id) WHERE {AT_SETTING}
            """,
            columns_of(setting),
        )
        return {str(code): float(row[code][0]) for code in row}

    @remembered
    def quantized(self, setting: Setting) -> pd.DataFrame:
        """Rows of `quantized` at one setting, or of `students`."""
        if setting == STUDENT:
            return self.query("FROM students")
        rows = self.query("SELECT * FROM quantized")
        here = pd.Series(True, index=rows.index)
        for field, value in zip(schema.SETTING_FIELDS, columns_of(setting), strict=True):
            column = rows[field.name]
            here &= column.isna() if value is None else column == value
        return rows[here]

    def tokens_per_parameter(self) -> float:
        """Mean D/N of the models."""
        models = self.models()
        return float((models["train_tokens"] / models["params_total"]).mean())

    def information(self) -> pd.DataFrame:
        """Rows of `information`, one per model: from the loss of every batch, or else from
        checkpoints."""
        return self.query(
            """
            FROM information QUALIFY 1 = row_number() OVER (
                PARTITION BY model_id ORDER BY method = 'online_losses' DESC, error_nats
            ) ORDER BY model_id
            """
        )

    def train_losses(self, setting: Setting) -> dict[str, TokenLosses]:
        """Training histogram of each model at one setting, by model_id, cells in a fixed order.

        Read once: only the bitrate changes them.  In a sampled
        suite the sample represents all of D, for display: nothing computed from it is certified.
        """
        if setting not in self._losses and self.is_sampled:
            self._losses[setting] = {
                model.model_id: as_if_whole(windows, int(model.train_tokens))
                for model in self.models().itertuples()
                if (windows := self.windows(setting, model.model_id)) is not None
            }
        if setting not in self._losses:
            self._losses[setting] = self.histograms(*_cells_of(setting))
        return self._losses[setting]

    def histograms(self, split: str, setting: Setting | None = None) -> dict[str, TokenLosses]:
        """Histogram of the losses of each model, by model_id, cells in a fixed order; not kept.

        Args:
            split: of `loss_histograms`.
            setting: None for a split that has none.

        Raises:
            ValueError: they are no losses.
        """
        here, values = ("true", []) if setting is None else (AT_SETTING, columns_of(setting))
        rows = self.fresh(
            f"""
            SELECT model_id, loss_nats, entropy_nats, tokens FROM loss_histograms
            WHERE split = ? AND {here} ORDER BY model_id, entropy_nats, loss_nats
            """,
            [split, *values],
        )
        return {
            str(model_id): TokenLosses(
                *(cells[key].to_numpy() for key in ("loss_nats", "entropy_nats", "tokens"))
            )
            for model_id, cells in rows.groupby("model_id", sort=False)
        }

    def joint_losses(self, setting: Setting, model_id: str, width_nats: float) -> pd.DataFrame:
        """Share of training tokens per square of loss and entropy, ``width_nats`` wide each.

        Columns: loss_nats and entropy_nats (lower edges), share.
        """
        table, weight = ("token_losses", "1") if self.is_sampled else ("loss_histograms", "tokens")
        split, setting = _cells_of(setting)
        return self.query(
            f"""
            SELECT floor(loss_nats / ?) * ? AS loss_nats,
                   floor(entropy_nats / ?) * ? AS entropy_nats,
                   sum({weight}) / sum(sum({weight})) OVER () AS share
            FROM {table}
            WHERE model_id = ? AND {AT_SETTING} AND split = ?
            GROUP BY 1, 2 ORDER BY 1, 2
            """,
            [*[width_nats] * 4, model_id, *columns_of(setting), split],
        )

    def provenance(self, key: str) -> list[str]:
        """Values of one of ``schema.PROVENANCE_KEYS``, named without its prefix, the most frequent
        first."""
        return list(self.provenance_counts(key))

    def provenance_counts(self, key: str) -> dict[str, int]:
        """Values of a provenance key with the number of files that units wrote with each.

        A published copy packs many files into one, and lists them in a table.
        """

        def count() -> dict[str, int]:
            packed = self.query(f"SELECT {key} AS value FROM provenance")["value"]
            each = packed if len(packed) else [m.get(f"boundscape.{key}") for m in self.metadata]
            counts = Counter(value for value in each if isinstance(value, str) and value)
            return dict(sorted(counts.items(), key=lambda found: (-found[1], found[0])))

        return dict(self.remember(("provenance", key), count))

    def measured_between(self) -> tuple[str, str]:
        """First and last day of the measurements, as ``2026-11-22``; empty if none has a date."""
        row = self.query(
            """
            SELECT strftime(min(finished_at), '%Y-%m-%d') AS began,
                   strftime(max(finished_at), '%Y-%m-%d') AS ended FROM units
            """
        ).iloc[0]
        return row["began"] or "", row["ended"] or ""


def _cells_of(setting: Setting) -> tuple[str, Setting]:
    """Split and setting of the rows of `loss_histograms` with the training losses at a setting."""
    return ("student", UNQUANTIZED) if setting == STUDENT else ("train", setting)
