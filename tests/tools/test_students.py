"""Requential students in the report: their numbers, and the sentence in their place."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from bounds import TokenLosses, chosen_geometric_bound
from bounds.codes.requential import requential_bits
from tests.tools.seeded_suite import SEEDS
from tests.tools.tables import table_after, value
from tools.results.chain import chain
from tools.results.ladder import open_ladder
from tools.results.sections import students
from tools.results.sections.students import HEADING


def read(folder, table, model_id):
    return pq.read_table(folder / f"seeded/{table}/{model_id}.parquet").to_pandas()


def expected(folder, model_id):
    """Bound and bits per parameter of one student, from Parquet and ``bounds`` alone."""
    cells = read(folder, "loss_histograms", model_id).query("split == 'student'")
    blocks = read(folder, "student_blocks", model_id)
    model, ratios = read(folder, "models", model_id).iloc[0], blocks["log_ratio_nats"].to_numpy()
    bits = requential_bits(ratios, int(blocks["tokens"].sum()), recipes=2**64)
    trained = read(folder, "quantized", model_id).query("quantizer == 'none'")
    bound = chosen_geometric_bound(
        trained["train_loss_nats"].item(),
        TokenLosses(*(cells[key].to_numpy() for key in ("loss_nats", "entropy_nats", "tokens"))),
        code_bits=bits,
        train_tokens=int(model["train_tokens"]),
        vocab_size=256,
        failure_probability=0.05,
    )
    return bound, bits / model["params_total"]


def test_every_size_has_a_row_with_the_bounds_of_its_students(seeded):
    ladder = open_ladder(seeded, "seeded")
    text = students.section(ladder).text
    rows = table_after(text, HEADING)
    assert [int(row["students"]) for row in rows] == [len(seeds) for seeds in SEEDS.values()]
    for row, (first, seeds) in zip(rows, SEEDS.items(), strict=True):
        names = [first if seed == 0 else f"{first}-seed{seed}" for seed in seeds]
        found = [expected(seeded, name) for name in names]
        gaps = [chain(ladder.suite, name)["gap_nats"].iloc[[0, -1]] for name in names]
        theirs, coded = np.transpose(gaps)
        ours = np.array([bound.gap_nats for bound, _ in found])
        excess = [bound.quantization_gap_nats for bound, _ in found]
        total = np.mean([bound.total_nats for bound, _ in found])
        assert value(row["bits per parameter"]) == pytest.approx(
            np.mean([bits for _, bits in found]), abs=6e-3
        )
        assert value(row["risk, at most"]) == pytest.approx(total, abs=1.1e-3)
        assert value(row["gap"]) == pytest.approx(ours.mean(), abs=6e-3)  # the histogram's mean
        assert value(row["excess loss"]) == pytest.approx(np.mean(excess), abs=6e-3)
        share = 100 * np.mean(ours / theirs)
        assert value(row["share of the paper's gap"]) == pytest.approx(share, abs=0.5)
        assert value(row["gap by a code"]) == pytest.approx(coded.mean(), abs=1.1e-3)
    assert "**Certified** at $\\delta$ = 0.05" in text
    assert "64 bits for its recipe" in text


def test_a_model_without_a_student_is_named(seeded, tmp_path):
    shutil.copytree(seeded, tmp_path / "data")
    (tmp_path / "data/seeded/students/ladder-53k-seed1.parquet").unlink()
    text = students.section(open_ladder(tmp_path / "data", "seeded")).text
    assert "Without a student: ladder-53k-seed1." in text
    assert [int(row["students"]) for row in table_after(text, HEADING)] == [3, 1, 1, 1]


def test_one_sentence_stands_in_the_place_of_none(seeded, tmp_path):
    shutil.copytree(seeded, tmp_path / "data", ignore=shutil.ignore_patterns("student*"))
    text = students.section(open_ladder(tmp_path / "data", "seeded")).text
    assert "Not shown: this suite has no students." in text
    assert "|" not in text
