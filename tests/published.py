"""Everything that a run on published models fetches, in miniature and on this machine.

A hub's cache with models under the names of the real ones, tiny and lightly trained; the tokens
that they were trained on, in Pythia's layout behind a web server; and a file of their suites.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests.compute.helpers.dataset_hub import cache_dataset
from tests.compute.helpers.shard_server import ShardServer, write_shards
from tests.tiny_hub import TinyHub, add_revision, offline_environment, save_model
from tests.tiny_models import (
    CONTEXT,
    make_tokenizer,
    texts,
    tiny_gpt2,
    tiny_llama,
    tiny_neox,
    train,
)

#: Windows of one training step, and steps of the whole run: the stream holds a few windows more.
BATCH, STEPS = 16, 64
WINDOWS = BATCH * STEPS + 32

#: (repository, hidden size): sizes whose checkpoints nearest to 0.4 tokens per parameter differ.
PYTHIAS = {
    "EleutherAI/pythia-70m": 16,
    "EleutherAI/pythia-160m": 24,
    "EleutherAI/pythia-410m": 32,
}
SHARDS = 3

SUITES = """
[presets.pythia]
suite = "pythia"
family = "pythia"
count = "total"

[presets.pythia-nonembedding]
suite = "pythia-nonembedding"
family = "pythia"
count = "nonembedding"

[families.pythia]
architecture = "gpt_neox"
context_length = 32
vocab_size = 300
padded_vocab_size = 320
tokens_per_parameter = 0.4
batch_windows = 16
total_steps = 64
warmup_steps = 2
corpus = "The Pile in miniature"
stream = "STREAM"
shards = 3
models = [
  { repo = "EleutherAI/pythia-70m", params_total = 16832, params_nonembedding = 6592, layers = 2, hidden_size = 16, heads = 2 },
  { repo = "EleutherAI/pythia-160m", params_total = 29856, params_nonembedding = 14496, layers = 2, hidden_size = 24, heads = 2 },
  { repo = "EleutherAI/pythia-410m", params_total = 45952, params_nonembedding = 25472, layers = 2, hidden_size = 32, heads = 2 },
]

[presets.cerebras]
suite = "cerebras"
family = "cerebras"

[families.cerebras]
architecture = "gpt2"
context_length = 32
vocab_size = 300
padded_vocab_size = 300
corpus = "The Pile"
dataset = "monology/pile-uncopyrighted"
dataset_revision = "refs/convert/parquet"
dataset_files = ["default/partial-train/*.jsonl"]
models = [
  { repo = "cerebras/Cerebras-GPT-111M", train_tokens = 200000, params_total = 11904, params_nonembedding = 6592, layers = 2, hidden_size = 16, heads = 2 },
]

[effort.full]
train_draws = 96
selection_draws = 48
heldout_draws = 32
positions = 4
calibration_windows = 16
chain_windows = 8
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "rtn", bits = 4 },
  { quantizer = "gptq", bits = 3 },
  { quantizer = "gptq_step", step = 1.0 },
]
curvature = [
  { windows = 2, probes = 2, steps = 4, tests = 3 },
]
"""  # noqa: E501 - rows of a table


@dataclass(frozen=True)
class Published:
    """The miniature.

    Attributes:
        hub: cache of models and datasets.
        ids: every window of the stream, shape (WINDOWS, CONTEXT + 1).
        address: of the token files.
        folder: with the file of suites, and a user's own model and text.
        server: of the token files.
    """

    hub: TinyHub
    ids: np.ndarray
    address: str
    folder: Path
    server: ShardServer

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that sees all this and no network."""
        suites = {"BOUNDSCAPE_HUB_SUITES": str(self.folder / "suites.toml")}
        return offline_environment(self.hub.home) | suites


@contextmanager
def published(folder: Path) -> Iterator[Published]:
    """Make everything under ``folder``, and serve it until the block ends."""
    hub = TinyHub(folder / "hub-home", folder / "tokenizer")
    tokenizer = make_tokenizer(hub.tokenizer)
    ids = _windows(tokenizer)
    for seed, (repo, hidden) in enumerate(PYTHIAS.items()):
        _add_chain(hub, repo, tiny_neox(seed, hidden=hidden), ids)
    for repo, model in {
        "cerebras/Cerebras-GPT-111M": tiny_gpt2(seed=5),
        "TinyLlama/TinyLlama-1.1B-intermediate-step-50K-105b": tiny_llama(seed=6),
    }.items():
        train(model, _batch(ids[: 8 * BATCH]))
        add_revision(hub.cache, repo, "main", model, hub.tokenizer)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts()).encode()
    cache_dataset(
        hub.cache,
        {"default/partial-train/0000.jsonl": lines},
        "refs/convert/parquet",
        "monology/pile-uncopyrighted",
    )
    cache_dataset(hub.cache, {"data/train-0.jsonl": lines}, "main", "DKYoon/SlimPajama-6B")
    _own(folder, hub)
    write_shards(folder / "shards", ids, SHARDS)
    with ShardServer(folder / "shards") as server:
        (folder / "suites.toml").write_text(SUITES.replace("STREAM", server.address))
        yield Published(hub, ids, server.address, folder, server)


def _windows(tokenizer) -> np.ndarray:
    ids: list[int] = []
    for text in texts():
        ids += [*tokenizer(text, verbose=False)["input_ids"], tokenizer.eos_token_id]
    width = CONTEXT + 1
    return np.array(ids[: WINDOWS * width], dtype=np.uint16).reshape(WINDOWS, width)


def _batch(windows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(windows[:, :CONTEXT].astype(np.int64))


def _add_chain(hub: TinyHub, repo: str, model, ids: np.ndarray) -> None:
    """Revisions at Pythia's spacing of one run over the stream; nothing is learned in step 1."""
    done = 1
    for step in (0, 1, 2, 4, 8, 16, 32, 64):
        if step > done:
            train(model, _batch(ids[BATCH * done : BATCH * step]))
            done = step
        add_revision(hub.cache, repo, f"step{step}", model, hub.tokenizer)


def _own(folder: Path, hub: TinyHub) -> None:
    """A checkpoint and some text in plain folders."""
    model = tiny_llama(seed=7, tied=True)
    save_model(model, folder / "my-model")
    for file in hub.tokenizer.iterdir():
        (folder / "my-model" / file.name).write_bytes(file.read_bytes())
    (folder / "my-text").mkdir()
    for index, text in enumerate(texts()):
        (folder / "my-text" / f"{index}.txt").write_text(text)
