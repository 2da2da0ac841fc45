"""``python -m compute fit``: runs from a file to the law L(N, D)."""

import re
import sys

import numpy as np
import pandas as pd
import pytest

from bounds import fit_loss_law
from compute.commands.fit.fit_runs import FittedRuns
from compute.commands.fit.fit_table import SYMBOLS
from compute.commands.fit.fit_warnings import warnings_of
from tests.bounds.laws.loss.runs import BESIROGLU, noisy_losses, scattered
from tests.compute.helpers.processes import run_here


def fit_command(file, *extra):
    command = [sys.executable, "-m", "compute", "fit", "--runs", str(file), *extra]
    return run_here(command)


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


@pytest.fixture(scope="module")
def law(runs):
    """What the mathematics finds."""
    return fit_loss_law(*runs.to_numpy().T, resamples=300, seed=3)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, runs):
    """What is printed of a file of the runs."""
    file = tmp_path_factory.mktemp("plain") / "runs.csv"
    runs.to_csv(file, index=False)
    return fit_command(file, "--bootstrap", "100").stdout


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_what_is_printed_is_what_the_mathematics_finds(tmp_path, runs, law, ending):
    file = tmp_path / f"runs.{ending}"
    shuffled = runs.assign(note="x")[["loss", "note", "D", "N"]]
    shuffled.to_parquet(file) if ending == "parquet" else shuffled.to_csv(file, index=False)
    result = fit_command(file, "--bootstrap", "300", "--seed", "3")
    assert result.returncode == 0, result.stderr
    table = printed(result.stdout)
    assert list(table) == list(SYMBOLS.values())
    for name, symbol in SYMBOLS.items():
        found = law.estimates[name]
        expected = (found.value, found.standard_error, found.low, found.high)
        assert table[symbol] == pytest.approx(expected, rel=1e-4)
    assert table["alpha"][0] == pytest.approx(BESIROGLU.model_exponent, abs=0.06)
    assert f"{law.agreed} of 4,500 starts reached the optimum" in result.stdout
    assert f"rms log residual {law.log_residual_rms:.3g}" in result.stdout
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


def test_runs_that_give_no_reason_get_no_warning(plain):
    assert printed(plain)
    assert "warning" not in plain


def test_identical_rows_are_named_and_narrow_no_interval(tmp_path, runs, plain):
    four = tmp_path / "four.csv"
    pd.concat([runs] * 4).to_csv(four, index=False)
    output = fit_command(four, "--bootstrap", "100").stdout
    assert output.startswith(plain)
    warning = output.removeprefix(plain).replace("\n", " ")
    assert warning.startswith(
        "warning: 180 of 240 rows are identical to an earlier one and count once: "
        "row 61 repeats row 1, row 62 repeats row 2,"
    )
    assert "and 172 more." in warning


def test_runs_far_off_are_named_with_the_fit_without_them(tmp_path, runs):
    spoiled = runs.assign(model=[f"m{k}" for k in range(60)])
    spoiled.loc[[6, 30], "loss"] *= [1.5, 0.5]
    spoiled.to_csv(tmp_path / "spoiled.csv", index=False)
    runs.drop([6, 30]).to_csv(tmp_path / "kept.csv", index=False)
    result = fit_command(tmp_path / "spoiled.csv", "--bootstrap", "100")
    words = " ".join(result.stdout.split())
    assert "Far from the law of the other runs: row 7 (m6) (" in words
    assert ", row 31 (m30) (" in words
    assert "The table has the fit without them too." in words
    kept = printed(fit_command(tmp_path / "kept.csv", "--bootstrap", "100").stdout)
    number = r"\s+([-+.e\d]+)"
    for name, expected in kept.items():
        row = re.search(rf"^{re.escape(name)}{number * 6}$", result.stdout, re.MULTILINE)
        assert tuple(map(float, row.groups()[4:])) == pytest.approx(expected[:2], rel=1e-4)
    # No model, however large, is said to get below E; this one is.
    floor = re.search(r"E is ([\d.]+), but the least", words)[1]
    assert float(floor) == pytest.approx(BESIROGLU.irreducible_nats, abs=0.05)
    assert f"the least measured loss is {spoiled.loc[30, 'loss']:.5g}" in words
    assert "is above row 31 (m30). The law does" in words


def test_perplexities_are_recognized_and_get_no_meaningless_error(tmp_path):
    """30 runs as exp(loss): 8.7 to 39.6.  Their law's A has an error of 1e8."""
    n = np.repeat([7e7, 1.6e8, 4.1e8, 1e9, 2.8e9], 6)
    d = np.tile([1e9, 3e9, 1e10, 3e10, 1e11, 3e11], 5)
    noise = np.random.default_rng(0).normal(0, 0.003, 30)
    loss = np.exp((1.8 + 480 / n**0.35 + 2000 / d**0.366) * np.exp(noise))
    pd.DataFrame({"N": n, "D": d, "loss": loss}).to_csv(tmp_path / "runs.csv", index=False)
    words = " ".join(fit_command(tmp_path / "runs.csv").stdout.split())
    assert "Losses up to 39.6 look like perplexities: a uniform guess among a million" in words
    assert "loses 13.8 nats. If they are, give their natural logarithm." in words
    assert re.search(r"\bA \S+ not determined \S+ \S+ B \S+ not determined \S+ \S+ alpha", words)


@pytest.mark.parametrize(
    ("losses", "words"),
    [((5.6, 9.0), "All losses are 5.6 or more and may be perplexities"), ((2.0, 11.0), None)],
)
def test_high_losses_may_be_perplexities(runs, law, losses, words):
    n, d, _ = runs.to_numpy().T
    rows = np.linspace(*losses, 60)
    names = [f"row {k + 1}" for k in range(60)]
    found = warnings_of(FittedRuns(n, d, rows, names, law))
    assert any(words in sentence for sentence in found) if words else found == []


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
        ("N,D,loss\n", "has no rows"),
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
