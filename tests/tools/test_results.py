"""The report: its numbers against the bounds themselves, its files, and what it refuses."""

import math
import re
import shutil
from functools import cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import bounds
import schema
from tests.conftest import ROOT
from tests.tools.conftest import BEST
from tests.tools.seeded_suite import DRAWN, SEEDS
from tests.tools.tables import table_after, value
from tools.results import __main__ as command
from tools.results import report
from tools.results.chain import STEPS
from tools.results.ladder import open_ladder

CHAIN = "## 5. Gains by our form and codes"


@cache
def read(folder, table: str) -> pd.DataFrame:
    files = sorted((folder / table).glob("*.parquet"))
    return pd.concat([pq.read_table(file).to_pandas() for file in files], ignore_index=True)


def losses(histograms: pd.DataFrame, model_id: str, row: pd.Series | None) -> bounds.TokenLosses:
    """Training losses of a model at the setting of a row of `quantized`."""
    here = histograms[(histograms["model_id"] == model_id) & (histograms["split"] == "train")]
    for field in schema.SETTING_FIELDS:
        values, wanted = here[field.name], row[field.name]
        here = here[values.isna()] if pd.isna(wanted) else here[values == wanted]
    return bounds.TokenLosses(
        *(here[key].to_numpy(float) for key in ("loss_nats", "entropy_nats", "tokens"))
    )


def independent_gaps(folder, model_id: str) -> list[float]:
    """Smallest gap at every step, from Parquet and ``bounds`` alone: over the exact training loss,
    which `quantized` has, not that of the histogram."""
    models, quantized = read(folder, "models"), read(folder, "quantized")
    histograms = read(folder, "loss_histograms")
    model = models.set_index("model_id").loc[model_id]
    rows = quantized[quantized["model_id"] == model_id]
    rows = rows[rows["train_tokens_evaluated"] == model["train_tokens"]]
    trained = float(rows[rows["quantizer"] == "none"]["train_loss_nats"].iloc[0])
    found = []
    for step in STEPS:
        totals = [
            bounds.FORMS[step.form](
                trained,
                losses(histograms, model_id, row),
                code_bits=float(row[f"{step.code}_bits"]),
                train_tokens=int(model["train_tokens"]),
                vocab_size=int(model["vocab_size"]),
                failure_probability=0.05,
            ).total_nats
            for _, row in rows[rows["quantizer"] == step.quantizer].iterrows()
        ]
        found.append(min(totals) - trained)
    return found


def up(gap: float) -> float:
    """To three decimals, never below the gap."""
    return math.ceil(gap * 1000 - 1e-9) / 1000


@pytest.mark.parametrize("model_id", ["ladder-29k-seed1", "ladder-275k"])
def test_the_gaps_are_those_of_the_bounds_themselves(seeded, seeded_report, model_id):
    gaps = independent_gaps(seeded / "seeded", model_id)
    rows = {row["model"]: row for row in table_after(seeded_report.text, CHAIN)}
    row = rows[model_id]
    assert [value(row[step.label]) for step in STEPS] == list(map(up, gaps))
    assert value(row["less"]) == round(100 * (1 - gaps[-1] / gaps[0]), 1)


def test_every_model_and_seed_is_in_the_table_and_shares_add_up(seeded_report):
    names = [row["model"] for row in table_after(seeded_report.text, CHAIN)]
    assert len(names) == sum(len(seeds) for seeds in SEEDS.values())
    for row in table_after(seeded_report.text, "Share of each step in the whole reduction"):
        assert sum(value(row[step.label]) for step in STEPS[1:]) == pytest.approx(100, abs=3)


def test_the_largest_model_has_its_own_table(seeded, seeded_report):
    rows = table_after(seeded_report.text, "### The gap certified for the largest model")
    gaps = independent_gaps(seeded / "seeded", [*SEEDS][-1])
    printed = [value(row["gap"]) for row in rows]
    assert printed == list(map(up, gaps))
    # What each step takes off adds up in print.
    assert [value(row["less"]) for row in rows[1:]] == [round(-x, 3) for x in np.diff(printed)]
    less = -np.diff(gaps)
    assert [value(row["share"]) for row in rows[1:]] == [round(100 * x / less.sum()) for x in less]
    assert {row["certified"] for row in rows} == {"yes"}
    section = seeded_report.text.split("### The gap certified")[1].split("## 6")[0]
    assert "*n* = 1" in section
    assert "29.2k: " in section
    assert "(*n* = 3)" in section
    assert "**Not certified**, for comparison: with the prequential estimate" in section


def test_models_and_their_losses_are_those_of_the_tables(seeded, seeded_report):
    models, quantized = read(seeded / "seeded", "models"), read(seeded / "seeded", "quantized")
    trained = quantized[quantized["quantizer"] == "none"].merge(models, on="model_id")
    rows = table_after(seeded_report.text, "## 1. What was measured")
    assert [int(row["seeds"]) for row in rows] == [len(seeds) for seeds in SEEDS.values()]
    for row in rows:
        same = trained[trained["params_total"] == int(row["N"].replace(",", ""))]
        assert value(row["training loss"]) == round(same["train_loss_nats"].mean(), 3)
        assert value(row["held-out loss"]) == round(same["heldout_loss_nats"].mean(), 3)
        error = same["heldout_loss_se_nats"].mean()
        assert row["held-out loss"].endswith(f"± {error:.3f}")


def test_a_setting_scored_on_drawn_windows_at_a_model_has_no_bound_there(seeded_report):
    settings = table_after(seeded_report.text, "### Settings")
    step = next(row for row in settings if row["quantizer"].startswith("Grid-step"))
    count = sum(len(seeds) for seeds in SEEDS.values())
    assert step["every training token, some models"] == f"1.4 ({count - 1} of {count})"
    largest = table_after(seeded_report.text, "### The gap certified")
    assert DRAWN.step == 1.4
    assert largest[-1]["best rate"] == "step 1"


def test_the_law_is_the_one_of_the_app(seeded_ladder, seeded_report):
    rows = seeded_ladder.first_models
    law = bounds.fit_power_law(rows["params_total"], rows["train_loss_nats"])
    assert f"{law.coefficient:.6g} * N**{-law.exponent:.6g}" in seeded_report.text
    residuals = np.expm1(np.log(rows["train_loss_nats"]) - np.log(law.at(rows["params_total"])))
    shown = [value(row["over the law − 1"]) for row in table_after(seeded_report.text, "## 2.")]
    assert shown == [round(100 * r, 1) for r in residuals]


def test_the_sweep_gives_back_its_vertices_and_extrapolates_none(seeded_report):
    rows = table_after(seeded_report.text, "## 3. Learning rates")
    found = [row["best rate"] for row in rows]
    assert found[:3] == [f"{rate:.3g}" for rate in list(BEST.values())[:3]]
    assert found[3] == "0.0025, the lowest rate tried"
    n, best = np.array(list(BEST)[:3], float), np.array(list(BEST.values())[:3])
    slope, intercept = np.polyfit(np.log(n), np.log(best), 1)
    assert f"{intercept:.3f} - {-slope:.3f}\\,\\ln N" in seeded_report.text
    assert value(rows[3]["by the rule"]) == pytest.approx(
        math.exp(intercept + slope * math.log(274640)), rel=5e-3
    )


def test_a_second_run_writes_the_same_bytes(seeded, seeded_report):
    again = report.build(open_ladder(seeded, "seeded"))
    assert again.files.keys() == seeded_report.files.keys()
    assert again.files == seeded_report.files


def test_every_image_is_there_and_every_file_is_shown(seeded_report):
    shown = set(re.findall(r'<img src="([^"]+)"', seeded_report.text))
    assert shown == seeded_report.files.keys() - {"RESULTS.md"}
    for name in shown:
        assert seeded_report.files[name].startswith(b"<svg")
        assert re.search(f'<img src="{name}" width="[0-9]+%" alt="[^"]+">', seeded_report.text)


def test_without_tables_one_sentence_stands_in_their_place(seeded_report):
    text = seeded_report.text
    assert "No spectrum was measured in this suite." in text
    assert "the Hessian was measured on one number of windows only." in text


def test_the_report_that_is_kept_is_what_its_command_writes():
    """RESULTS.md of the repository, from the suite that it names."""
    kept = (ROOT / "RESULTS.md").read_text()
    name = re.search(r"Computed from `data/([^`]+)` by `make results", kept)[1]
    ladder = open_ladder(ROOT / "data", name)
    assert report.text(ladder, report.parts(ladder)) == kept
    shown = set(re.findall(r'<img src="docs/results/([^"]+)"', kept))
    assert shown == {path.name for path in (ROOT / "docs/results").iterdir()}


def test_a_sentence_without_a_sweep(seeded, tmp_path):
    (tmp_path / "seeded").symlink_to(seeded / "seeded")
    text = report.learning_rate.section(open_ladder(tmp_path, "seeded")).text
    assert text == "## 3. Learning rates\n\nNo learning rates were swept for this suite."


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = command.main(list(map(str, arguments)))
    return status, *capsys.readouterr()


def test_one_figure_alone_is_the_same_file(seeded, seeded_report, tmp_path, capsys):
    status, out, _ = run(capsys, "--data", seeded, "--out", tmp_path, "figure", "3")
    assert status == 0
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [str(path) for path in written] == sorted(out.split())
    assert {path.name for path in written} == {
        f"figure-3-{part}.svg" for part in ("information", "bounds", "terms")
    }
    for path in written:
        name = path.relative_to(tmp_path).as_posix()
        assert path.read_bytes() == seeded_report.files[name]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--suite", "nothing"], "error: There is no suite “nothing” under "),
        (["--data", "tests/tools"], "error: There is no suite under tests/tools; run `make"),
    ],
)
def test_a_missing_suite_is_one_sentence(seeded, tmp_path, capsys, arguments, sentence):
    status, out, error = run(capsys, "--data", seeded, "--out", tmp_path, *arguments)
    assert (status, out) == (1, "")
    assert error.startswith(sentence)
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_named_and_nothing_is_written(seeded, tmp_path, capsys):
    shutil.copytree(seeded, tmp_path / "data")
    sweep = next((tmp_path / "data/seeded-sweep/learning_rates").iterdir())
    sweep.write_bytes(b"PAR1")
    arguments = ("--data", tmp_path / "data", "--suite", "seeded", "--out", tmp_path / "out")
    status, _, error = run(capsys, *arguments)
    assert status == 1
    assert "seeded-sweep/learning_rates/sweep.parquet is damaged" in error
    assert not (tmp_path / "out").exists()


def test_it_is_written_whole_or_not_at_all(seeded_report, tmp_path, monkeypatch):
    report.write(seeded_report, tmp_path)
    (tmp_path / "docs/results/of-before.svg").write_text("old")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.svg")}
    changed = report.Report(dict.fromkeys(seeded_report.files, b"new"))
    whole, last = type(tmp_path).write_bytes, list(changed.files)[-1].rpartition("/")[2]

    def fails(path, content):
        if path.name.startswith(last):
            raise OSError("No space left on device")
        return whole(path, content)

    monkeypatch.setattr(type(tmp_path), "write_bytes", fails)
    with pytest.raises(OSError, match="No space left"):
        report.write(changed, tmp_path)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.svg")} == before
    assert not list(tmp_path.rglob("*.writing"))
    report.write(changed, tmp_path)
    assert not (tmp_path / "docs/results/of-before.svg").exists()
    assert (tmp_path / "RESULTS.md").read_bytes() == b"new"


def test_which_figure_has_to_be_said(capsys):
    for arguments, words in ((["figure"], "say which figure"), (["figure", "6"], "invalid choice")):
        with pytest.raises(SystemExit):
            command.main(arguments)
        assert words in capsys.readouterr().err
