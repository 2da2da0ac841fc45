"""``python -m compute fit``: runs from a file to the law L(N, D)."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from bounds import fit_loss_law
from compute.fit_table import SYMBOLS
from tests.bounds.laws.runs import BESIROGLU, noisy_losses, scattered
from tests.conftest import ROOT


def fit_command(file, *extra):
    command = [sys.executable, "-m", "compute", "fit", "--runs", str(file), *extra]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def printed(output):
    """Symbol to (estimate, standard error, low, high) from the table."""
    number = r"\s+([-+.e\d]+)"
    rows = re.findall(rf"^(\w[\w ()/+]*?)\s{number * 4}$", output, re.MULTILINE)
    return {name: tuple(map(float, cells)) for name, *cells in rows}


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    n, d = (np.round(values) for values in scattered(rng, 60))
    return pd.DataFrame({"N": n, "D": d, "loss": noisy_losses(rng, BESIROGLU, n, d, 0.007)})


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_what_is_printed_is_what_the_mathematics_finds(tmp_path, runs, ending):
    file = tmp_path / f"runs.{ending}"
    shuffled = runs.assign(note="x")[["loss", "note", "D", "N"]]
    shuffled.to_parquet(file) if ending == "parquet" else shuffled.to_csv(file, index=False)
    result = fit_command(file, "--bootstrap", "300", "--seed", "3")
    assert result.returncode == 0, result.stderr
    fit = fit_loss_law(*runs.to_numpy().T, resamples=300, seed=3)
    table = printed(result.stdout)
    assert list(table) == list(SYMBOLS.values())
    for name, symbol in SYMBOLS.items():
        found = fit.estimates[name]
        expected = (found.value, found.standard_error, found.low, found.high)
        assert table[symbol] == pytest.approx(expected, rel=1e-4)
    assert table["alpha"][0] == pytest.approx(BESIROGLU.model_exponent, abs=0.06)
    assert f"{fit.agreed} of 4,500 starts reached the optimum" in result.stdout
    assert f"rms log residual {fit.log_residual_rms:.3g}" in result.stdout
    assert f"60 runs, N from {runs['N'].min():.3g} to {runs['N'].max():.3g}" in result.stdout
    assert f"D from {runs['D'].min():.3g} to {runs['D'].max():.3g}" in result.stdout
    assert "bootstrap of 300 resamples" in result.stdout


def test_a_folder_of_parts_has_the_law_of_one_file(tmp_path, runs):
    folder = tmp_path / "runs.parquet"
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for i, part in enumerate((runs[:20], runs[20:])):
        part.to_parquet(folder / f"part-{i}.snappy.parquet")
    runs.to_csv(tmp_path / "runs.PQ", index=False)
    result = fit_command(folder, "--bootstrap", "100")
    assert result.returncode == 0, result.stderr
    assert result.stdout == fit_command(tmp_path / "runs.PQ", "--bootstrap", "100").stdout


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (("--bootstrap", "7"), "--bootstrap must be at least 100, not 7."),
        (("--seed", "-1"), "--seed must not be negative, and it is -1."),
    ],
)
def test_bad_options_are_named(tmp_path, runs, extra, sentence):
    runs.to_csv(tmp_path / "runs.csv", index=False)
    result = fit_command(tmp_path / "runs.csv", *extra)
    assert result.returncode == 2
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("N,D\n1,2\n", "has no column 'loss'; its columns are 'N', 'D'."),
        ("N,D,loss,N\n1,2,3,4\n", "has 2 columns 'N'"),
        ("N,D,loss\n", "holds no rows"),
        ("N,D,loss\n1,2,3\n1,many,3\n", "holds 'many' in row 2 of its column 'D', not a number"),
        ("N,D,loss\n1,2,3\n1,2,nan\n", "The column 'loss' of {} holds nan in row 2; every value"),
        ("N,D,loss\n1,2,3\n,2,3\n", "The column 'N' of {} holds nan in row 2"),
        ("N,D,loss\n1,2,3\n1,0,3\n", "The column 'D' of {} holds 0 in row 2"),
        ("N,D,loss\n1,2,-3\n", "The column 'loss' of {} holds -3 in row 1"),
        ("N,D,loss\n1,2,3\n", "The runs of {} cannot be fitted: the 5 parameters need at least 10"),
        ("", "The file {} is empty."),
        (None, "The file {} does not exist."),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, content, sentence):
    file = tmp_path / "runs.csv"
    if content is not None:
        file.write_text(content)
    result = fit_command(file)
    assert result.returncode == 2
    assert result.stdout == ""
    assert sentence.format(file) in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_ladder_of_one_ratio_gets_the_reason(tmp_path, runs):
    file = tmp_path / "runs.parquet"
    runs.assign(D=20 * runs["N"]).to_parquet(file)
    result = fit_command(file)
    assert result.returncode == 2
    assert "all runs have nearly one ratio D/N, about 20" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
