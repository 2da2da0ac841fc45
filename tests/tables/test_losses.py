"""Token losses under the names that people and programs give them: taken where they are certain."""

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import schema
from tables import LOSS_TABLE, TableError, loss_arrays
from tests.tables.test_read import csv, parquet, read

HALVES = [0.5, 1.25, 3.0]
WITH_ENTROPIES = pd.DataFrame({"logprob": [-0.5, -1.25, 0.0], "entropy_nats": [1.0, 2.0, 0.25]})


def losses(content: bytes) -> dict[str, list[float]]:
    found = loss_arrays(read(content, wanted=LOSS_TABLE))
    assert len({len(values) for values in found.values()}) == 1
    return {name: values.tolist() for name, values in found.items()}


def refusal(content: bytes) -> str:
    with pytest.raises(TableError) as refused:
        losses(content)
    return refused.value.words("`{}`".format)


def dumped(*documents) -> bytes:
    return "\n".join(map(json.dumps, documents)).encode()


def entry(logprob, rank=1, token="a"):
    return {"logprob": logprob, "rank": rank, "decoded_token": token}


@pytest.mark.parametrize("name", ["loss_nats", "-logprob"])
def test_losses_are_losses(name):
    assert losses(csv(pd.DataFrame({name: HALVES}))) == {"loss_nats": HALVES}


@pytest.mark.parametrize("name", ["logprob", "token_logprobs", "prompt_logprobs"])
def test_logarithms_of_probabilities_change_their_sign(name):
    table = pd.DataFrame({name: [-0.5, -1.25, -3.0]})
    assert losses(parquet(table)) == losses(csv(table)) == {"loss_nats": HALVES}


def test_a_certain_token_has_loss_zero_and_not_minus_zero():
    found = losses(csv(WITH_ENTROPIES))
    assert found == {"loss_nats": [0.5, 1.25, 0.0], "entropy_nats": [1.0, 2.0, 0.25]}
    assert math.copysign(1, found["loss_nats"][2]) == 1


def test_a_cell_may_hold_a_whole_text_whose_window_is_every_tokens():
    columns = {
        "token_logprobs": [[None, -0.5], [-1.25, -3.0], [None]],
        "entropy_nats": [[9.0, 1.0], [2.0, 4.0], [9.0]],
        "window": ["b", "a", "c"],
    }
    for table in (pa.table(columns), pd.DataFrame(columns)):
        assert losses(parquet(table)) == {
            "loss_nats": HALVES,
            "entropy_nats": [1.0, 2.0, 4.0],
            "window": [0, 1, 1],
        }


@pytest.mark.parametrize("kind", [pa.large_list, pa.list_, lambda x: pa.list_(x, 2)])
def test_lists_in_every_storage(kind):
    table = pa.table({"loss_nats": pa.array([[0.5, 1.25], [3.0, 4.0]], kind(pa.float32()))})
    assert losses(parquet(table)) == {"loss_nats": [0.5, 1.25, 3.0, 4.0]}


VLLM = [None, {"7": entry(-0.5)}, {"9": entry(-1.25, 3), "8": entry(-0.1)}, {"7": entry(0.0)}]
IDS = [5, 7, 9, 7]
COMPLETION = {
    "choices": [{"logprobs": {"token_logprobs": [None, -0.5, -1.25, 0.0]}}],
    "usage": {"prompt_tokens": 4},
}


@pytest.mark.parametrize(
    "content",
    [
        dumped({"prompt_logprobs": VLLM, "prompt_token_ids": IDS}),
        json.dumps([{"prompt_logprobs": VLLM, "prompt_token_ids": IDS}], indent=1).encode(),
        dumped({"prompt_logprobs": [None, {"7": -0.5}, {"9": -1.25}, {"7": 0}]}),
        dumped([None, {"7": entry(-0.5)}, {"9": entry(-1.25, 3)}, {"7": entry(0.0)}]),
        dumped([[None, {"7": entry(-0.5)}], [None, {"9": entry(-1.25)}, {"7": entry(0)}]]),
        dumped({"choices": [{"prompt_logprobs": VLLM, "prompt_token_ids": IDS, "text": "x"}]}),
        dumped({"choices": [{}, {}], "prompt_logprobs": VLLM, "prompt_token_ids": IDS}),
        dumped(COMPLETION),
        dumped({"prompt_logprobs": [None, -0.5, -1.25, 0]}),
        dumped(entry(-0.5), entry(-1.25), entry(0)),
        dumped({"logprob": -0.5, "token": "a"}, {"logprob": -1.25}, {"logprob": 0}),
    ],
)
def test_what_vllm_and_its_servers_return(content):
    assert losses(content) == {"loss_nats": [0.5, 1.25, 0.0]}


def test_windows_are_named_in_the_record():
    texts = [[None, {"7": -0.5}, {"8": -1.25}], [None, {"7": -3.0}, {"8": -4.0}]]
    records = [{"prompt_logprobs": text, "window": f"draw {i}"} for i, text in enumerate(texts)]
    found = losses(dumped(*records))
    assert found == {"loss_nats": [0.5, 1.25, 3.0, 4.0], "window": [0, 0, 1, 1]}


#: As lm-evaluation-harness writes samples of a perplexity task and of a choice between answers.
ROLLING = {"doc_id": 0, "resps": [["-123.4"]], "filtered_resps": ["-123.4"], "target": "text"}
CHOICE = {"doc_id": 0, "resps": [[["-2.6", "False"]], [["-2.3", "True"]]], "filtered_resps": []}


def suite_rows(**changes) -> pd.DataFrame:
    """Two rows of a suite's table that differ in what ``changes`` says."""
    setting = dict.fromkeys(field.name for field in schema.SETTING_FIELDS)
    row = {"model_id": "a", **setting, "split": "train", "quantizer": "rtn", "loss_nats": 1.0}
    return pd.DataFrame([row, row | changes])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (dumped(ROLLING), "logs one log-likelihood for a whole text in `resps`, as lm-evaluation-"),
        (dumped(CHOICE), "and the bound needs that of every token"),
        (b"nll\n1\n", "has a column `nll` and does not say whether it is in nats"),
        (b"loss\n1\n", "has a column `loss` and does not say whether it is in nats"),
        (b"loss_bits\n1\n", "has losses in bits in its column `loss_bits`: multiply them by ln 2"),
        (b"perplexity\n1\n", "has no column 'loss_nats' or '-logprob' or"),
        (dumped({"logprobs": [-1.0]}), "has `logprobs`, which servers return for generated tokens"),
        (b"loss_nats,logprob\n1,-1\n", "has losses in both `loss_nats` and `logprob`"),
        (b"logprob\n-1\n0.5\n", "holds 0.5 in row 2 of its column `logprob`; the logarithm of a"),
        (b"logprob\n-1\n\n-inf\n", "holds -inf in row 2 of its column `logprob`"),
        (b"logprob,x\n-1,1\n,1\n", "holds nan in row 2 of its column `logprob`"),
        (b"logprob\n-9999\n", "holds -9999 in row 1 of its column `logprob`, which servers write"),
        (dumped({"prompt_logprobs": VLLM}), "has 2 tokens at position 3 of 'prompt_logprobs' and"),
        (
            dumped({"prompt_logprobs": VLLM, "prompt_token_ids": [5, 7, 1, 7]}),
            "has no token `1` at position 3 of 'prompt_logprobs'",
        ),
        (
            dumped({"prompt_logprobs": VLLM, "prompt_token_ids": [5, 7]}),
            "has 'prompt_token_ids' that are not one for each of 'prompt_logprobs'",
        ),
        (dumped([None, {"7": -0.5}, None]), "holds nan in row 1 of its column `prompt_logprobs`"),
        (dumped([None, {"7": {"p": 0.5}}]), "holds `struct<p: double>` in its column"),
        (dumped(COMPLETION | {"usage": {"prompt_tokens": 3}}), "that are not only of the prompt"),
        (dumped({"choices": COMPLETION["choices"]}), "that are not only of the prompt"),
        (dumped({"choices": [{"logprobs": None}]}), "is a completion without the log-probabilit"),
        (dumped({"loss_nats": [1.0, None]}, {"loss_nats": []}), "has an empty list in row 2"),
        (dumped({"loss_nats": [1.0]}, {"window": 1}), "has an empty cell in row 2 of its column"),
        (
            dumped({"loss_nats": [1.0, 2.0], "entropy_nats": [1.0]}),
            "has lists of different lengths in row 1 of `loss_nats` and `entropy_nats`",
        ),
        (
            dumped({"loss_nats": [1.0], "entropy_nats": 1.0}),
            "holds one value a row in its column `entropy_nats`, and lists in others",
        ),
        (
            dumped({"loss_nats": 1.0, "window": [1, 0]}),
            "holds `list<item: int64>` in its column `window`, not numbers or names",
        ),
        (b"loss_nats,window\n1,a\n2,\n", "has empty cells in its column `window`"),
        (parquet(pd.DataFrame({"loss_nats": [1.0], "window": [np.nan]})), "has empty cells in"),
        (csv(suite_rows(split="heldout")), "holds the losses of 2 measurements"),
        (parquet(suite_rows(bits=4)), "holds the losses of 2 measurements"),
        (csv(suite_rows().assign(split="online")), "holds online losses, which are of the models"),
    ],
)
def test_what_is_not_certain_is_one_sentence(content, words):
    found = refusal(content)
    assert words in found
    assert "\n" not in found


def test_rows_of_one_measurement_are_one_sample():
    assert losses(parquet(suite_rows()))["loss_nats"] == [1.0, 1.0]
