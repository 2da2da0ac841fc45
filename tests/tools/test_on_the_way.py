"""What training itself certifies, in the report: its numbers, and the sentence in their place."""

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bounds import TokenLosses
from bounds.progressive import progressive_bound
from tests.tools.seeded_suite import SEEDS, rewrite
from tests.tools.tables import table_after, value
from tools.results.ladder import open_ladder
from tools.results.sections import on_the_way
from tools.results.sections.gains import all_chains

HEADING = "### Certified by training itself, for other models"


def without_online(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["split"] != "online"]


def as_online(rows: pd.DataFrame) -> pd.DataFrame:
    """The losses of the trained model stand for online ones: as many, and binned alike."""
    rows = without_online(rows)
    of_final = rows[(rows["quantizer"] == "none") & (rows["split"] == "train")]
    return pd.concat([rows, of_final.assign(split="online")], ignore_index=True)


def changed(seeded, folder, change):
    """A copy of the suite with other histograms, and no means of batches that contradict them."""
    shutil.copytree(seeded, folder, ignore=shutil.ignore_patterns("online_losses"))
    for file in (folder / "seeded/loss_histograms").glob("*.parquet"):
        rewrite(file, change)
    return folder


@pytest.fixture(scope="module")
def online(seeded, tmp_path_factory):
    return changed(seeded, tmp_path_factory.mktemp("online") / "data", as_online)


def expected(folder, model_id):
    cells = pq.read_table(folder / f"seeded/loss_histograms/{model_id}.parquet").to_pandas()
    cells = cells[cells["split"] == "online"]
    losses = TokenLosses(*(cells[key] for key in ("loss_nats", "entropy_nats", "tokens")))
    return progressive_bound(
        losses.mean_loss_nats,
        losses,
        train_tokens=int(cells["tokens"].sum()),
        vocab_size=256,
        failure_probability=0.05,
    )


def test_every_size_has_a_row_with_the_bound_of_its_online_losses(online):
    ladder = open_ladder(online, "seeded")
    text = on_the_way.section(ladder).text
    rows = table_after(text, HEADING)
    finals = {name: frame["total_nats"].iloc[-1] for name, frame in all_chains(ladder).items()}
    assert [int(row["models"]) for row in rows] == [len(seeds) for seeds in SEEDS.values()]
    for row, (first, seeds) in zip(rows, SEEDS.items(), strict=True):
        names = [first if seed == 0 else f"{first}-seed{seed}" for seed in seeds]
        found = [expected(online, name) for name in names]
        mean = np.mean([bound.training_loss_nats for bound in found])
        total = np.mean([bound.total_nats for bound in found])
        final = np.mean([finals[name] for name in names])
        assert value(row["mean online loss"]) == pytest.approx(mean, abs=6e-4)
        assert value(row["mean risk on the way, at most"]) == pytest.approx(total, abs=1.1e-3)
        assert value(row["gap"]) == pytest.approx(total - mean, abs=1.1e-3)
        assert value(row["risk of the final model, at most"]) == pytest.approx(final, abs=1.1e-3)
    assert "**Certified** at $\\delta$ = 0.05" in text
    assert "20 bits for α and W and 32 for the training recipe" in text
    assert "A bound of the final model is another statement" in text


def test_a_model_without_online_losses_is_named(online, tmp_path):
    shutil.copytree(online, tmp_path / "data")
    rewrite(tmp_path / "data/seeded/loss_histograms/ladder-53k-seed1.parquet", without_online)
    text = on_the_way.section(open_ladder(tmp_path / "data", "seeded")).text
    assert "Without a histogram of online losses: ladder-53k-seed1." in text
    assert [int(row["models"]) for row in table_after(text, HEADING)] == [3, 1, 1, 1]


def test_one_sentence_stands_in_the_place_of_none(seeded, tmp_path):
    folder = changed(seeded, tmp_path / "data", without_online)
    text = on_the_way.section(open_ladder(folder, "seeded")).text
    assert text.endswith(
        "Not shown: this suite has no histograms of online losses, which the bound on the mean "
        "risk during training needs (progressive validation)."
    )
    assert "|" not in text
