"""A small token stream of known ids, and what reads it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compute.base.errors import InputError
from compute.suites.text.stream.token_stream import TokenStream

ROOT = Path(__file__).resolve().parents[5]
VOCAB, IDS, WINDOWS, SHARDS = 50304, 33, 700, 5
TOKENS = np.random.default_rng(0).integers(VOCAB, size=WINDOWS * IDS + 10, dtype=np.uint16)
EXPECTED = TOKENS[: WINDOWS * IDS].reshape(WINDOWS, IDS)
HUB = "hf://datasets/org/stream"


def stream_of(address: object, cache: Path, **options) -> TokenStream:
    options = {"vocab_size": VOCAB, "ids_per_window": IDS, "shards": SHARDS} | options
    return TokenStream(str(address), cache / "cache", **options)


def straddling() -> list[int]:
    """Windows that lie in two shards."""
    shard = -(-TOKENS.size // SHARDS)
    return [shard * i // IDS for i in range(1, SHARDS) if shard * i % IDS]


def refused(stream: TokenStream, indices=(0,)) -> str:
    """The one sentence that a read of the stream is refused with; it names the address."""
    with pytest.raises(InputError) as error:
        stream.read(indices)
    sentence = str(error.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert stream.address in sentence
    return sentence


CHILD = """
import sys, json
from pathlib import Path
from compute.base.errors import InputError
from compute.suites.text.stream.token_stream import TokenStream
address, cache, step, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), len(sys.argv)
stream = TokenStream(address, cache, 50304, 33, 5)
try:
    windows = stream.read(range(0, stream.windows(), step), lambda n: print(n, flush=True))
    print(json.dumps(int(windows.sum())))
except InputError as error:
    sys.exit(str(error))
"""


def child(address: str, cache: Path, step: int, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, address, str(cache / "cache"), str(step)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
