"""``python -m compute bound``: losses from a file to every form."""

import json
import math
import re
import sys

import numpy as np
import pandas as pd
import pytest

import schema
from bounds import FORMS, TokenLosses, shortest_code_bits
from bounds.codes.complexity import complexity
from tests.compute.helpers.processes import run_here


def bound_command(file, *extra, **changes):
    options = {
        "params": 1000,
        "train-tokens": 20000,
        "vocab": 256,
        "code-bits": 4000,
        "delta": 0.05,
    }
    options |= {name.replace("_", "-"): value for name, value in changes.items()}
    command = [sys.executable, "-m", "compute", "bound", "--losses", str(file)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return run_here([*command, *extra])


def totals(output):
    """Form to total from the printed table."""
    rows = re.findall(r"^(\w[\w ,']*?)\s{2,}(\d+\.\d{4})", output, re.MULTILINE)
    return {name: float(total) for name, total in rows}


@pytest.fixture(scope="module")
def losses():
    rng = np.random.default_rng(0)
    entropy = np.clip(rng.gamma(3, 0.5, 20000), 0, math.log(256))
    return pd.DataFrame({"loss_nats": rng.exponential(entropy + 0.01), "entropy_nats": entropy})


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_every_form_is_printed_as_the_mathematics_has_it(tmp_path, losses, ending):
    file = tmp_path / f"losses.{ending}"
    losses.to_parquet(file) if ending == "parquet" else losses.to_csv(file, index=False)
    result = bound_command(file)
    assert result.returncode == 0, result.stderr
    printed = totals(result.stdout)
    tokens = TokenLosses.of_tokens(*losses.to_numpy().T)
    for name, form in FORMS.items():
        expected = form(
            tokens.mean_loss_nats,
            tokens,
            code_bits=4000.0,
            train_tokens=20000,
            vocab_size=256,
            failure_probability=0.05,
        )
        assert printed[name] == pytest.approx(expected.total_nats, abs=1e-4)
    assert list(printed) == list(FORMS)
    assert "To quote the smallest one" in result.stdout


def test_what_vllm_returns_has_the_bounds_of_its_losses(tmp_path, losses):
    texts = losses["loss_nats"].to_numpy().reshape(100, 200)
    prompts = [[None, *({"7": {"logprob": -x, "rank": 1}} for x in text)] for text in texts]
    records = [json.dumps({"prompt_logprobs": prompt}) for prompt in prompts]
    (tmp_path / "vllm.json").write_text("\n".join(records))
    losses[["loss_nats"]].to_parquet(tmp_path / "plain")
    result = bound_command(tmp_path / "vllm.json")
    assert result.returncode == 0, result.stderr
    assert len(totals(result.stdout)) == len(FORMS)
    assert result.stdout == bound_command(tmp_path / "plain").stdout


def test_several_codes_cost_the_choice(tmp_path, losses):
    assert shortest_code_bits(9000.0, 4000.0, 5000.0, 8000.0) == 4002.0
    file = tmp_path / "losses.parquet"
    losses.to_parquet(file)
    shown = bound_command(file, "--code-bits", "9000").stdout
    assert "L = 4,001 bits" in shown
    with pytest.raises(ValueError, match="code_bits is empty"):
        shortest_code_bits()
    assert complexity(4001.0, 20000, 0.05).code_nats > complexity(4000.0, 20000, 0.05).code_nats


def test_a_histogram_and_losses_without_entropies(tmp_path):
    frame = pd.DataFrame({"loss_nats": [0.5, 1.0, 3.0], "tokens": [10000, 9000, 1000]})
    frame.to_csv(tmp_path / "h.csv", index=False)
    result = bound_command(tmp_path / "h.csv")
    assert result.returncode == 0, result.stderr
    assert len(totals(result.stdout)) == len(FORMS)


def test_sampled_windows_get_a_sampling_term(tmp_path):
    rng = np.random.default_rng(1)
    window = np.repeat(np.arange(2000), 8)
    entropy = np.clip(rng.gamma(4, 0.3, 2000)[window] * rng.uniform(0.5, 1.5, 16000), 0, 5)
    frame = pd.DataFrame(
        {"window": window, "loss_nats": rng.exponential(entropy + 0.01), "entropy_nats": entropy}
    )
    file = tmp_path / "windows.parquet"
    frame.sample(frac=1, random_state=0).to_parquet(file)
    result = bound_command(file, train_tokens=2_000_000, params=100_000, code_bits=300_000)
    assert result.returncode == 0, result.stderr
    printed = totals(result.stdout)
    assert set(printed) == {"sampled", "sampled, paper's choices"}
    assert "delta = 0.045 for the inequality + 0.005 for the sampling" in result.stdout
    assert printed["sampled"] < printed["sampled, paper's choices"]
    sampling = [float(line.split()[-1]) for line in result.stdout.splitlines() if "sampled" in line]
    assert all(term > 0.005 for term in sampling)


def test_windows_named_by_their_place_in_a_drifting_corpus_are_split_at_random(tmp_path):
    """Early windows are hard and late ones easy: a split by name would see only one kind."""
    rng = np.random.default_rng(2)
    place = rng.choice(100_000, 3000, replace=False)
    level = np.where(place < 50_000, 2.5, 0.7)
    loss = rng.exponential(np.repeat(level, 16))
    frame = pd.DataFrame({"window": np.repeat(place, 16) + 2**60, "loss_nats": loss})
    frame.sort_values("window").to_parquet(tmp_path / "w.parquet")
    result = bound_command(tmp_path / "w.parquet", train_tokens=6_400_000, code_bits=64_000)
    assert result.returncode == 0, result.stderr
    assert all(total > 1.5 for total in totals(result.stdout).values())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"delta": 0}, "--delta must lie strictly between 0 and 1, not 0.0"),
        ({"vocab": 1}, "--vocab must be at least 2, not 1"),
        ({"code_bits": 0}, "--code-bits must be greater than 0, not 0.0"),
        ({"code_bits": 1e300}, "No bound can be computed from these values"),
        ({"training_loss": "nan"}, "--training-loss must be finite and not negative, not nan"),
        ({"vocab": 2}, "no prediction over 2 classes has an entropy above ln V"),
        ({"train_tokens": 7}, "--train-tokens is 7, and the losses cover 20,000 tokens"),
    ],
)
def test_bad_values_are_named(tmp_path, losses, changes, sentence):
    file = tmp_path / "losses.parquet"
    losses.to_parquet(file)
    result = bound_command(file, **changes)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("x\n1.0\n", "has no column 'loss_nats' or '-logprob' or "),
        ("loss_nats\n1.0\nnan\n", "holds nan in row 2"),
        ("loss_nats\n1.0\n-2\n", "holds -2.0 in row 2"),
        ("loss_nats\nmany\n", "holds 'many' in row 1 of its column 'loss_nats', not a number"),
        ("loss_nats,window\n1,0\n1,0\n1,1\n", "holds 2 windows of 1 to 2 rows"),
        ("loss_nats,tokens\n1,0.5\n1,0.5\n", "must hold whole numbers above 0"),
    ],
)
def test_bad_files_are_named(tmp_path, content, sentence):
    file = tmp_path / "losses.csv"
    file.write_text(content)
    result = bound_command(file)
    assert result.returncode == 2
    assert sentence in result.stderr


def test_files_that_are_not_there_or_not_tables(tmp_path):
    assert "does not exist" in bound_command(tmp_path / "none.csv").stderr
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    assert "is damaged or cut off" in bound_command(tmp_path / "x.parquet").stderr


def test_a_suites_table_is_taken_for_one_measurement_only_if_it_is_one(tmp_path, losses):
    """One published file holds every setting and split, whose windows have the same numbers."""
    setting = dict.fromkeys([field.name for field in schema.SETTING_FIELDS])
    one = losses.assign(model_id="a", **setting | {"quantizer": "rtn", "bits": 4}, split="train")
    one.assign(window=np.arange(len(one)) // 8).to_parquet(tmp_path / "one.parquet")
    result = bound_command(tmp_path / "one.parquet", train_tokens=6_400_000, code_bits=64_000)
    assert result.returncode == 0, result.stderr
    both = pd.concat([one, one.assign(bits=8)])
    both.assign(window=np.arange(len(both)) // 8 % 2500).to_parquet(tmp_path / "both.parquet")
    result = bound_command(tmp_path / "both.parquet", train_tokens=6_400_000, code_bits=64_000)
    assert result.returncode == 2
    assert "holds the losses of 2 measurements, which differ in model" in result.stderr
