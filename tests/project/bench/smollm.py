"""What one setting takes on a pretrained model of 135 million parameters, in seconds of one core.

The model is in a folder in the layout of Hugging Face, such as SmolLM2-135M saved with
``save_pretrained``: ``python -m tests.project.bench.smollm FOLDER [WINDOWS [CONTEXT]]``.  Processor
time is counted, not the clock, so that other work on the machine disturbs little; tokens are
random, which takes as long as text does.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.base.process_memory import peak_bytes, reset_peak
from compute.base.setting import Setting
from compute.models import language_model
from compute.models.layout import layout
from compute.models.sampled_evaluation import score_positions
from compute.quantize import codes
from compute.quantize.whole_model import quantize_model
from compute.suites.text.windows.draws import drawn_positions

SETTINGS = (Setting("rtn", bits=4), Setting("rtn", bits=8), Setting("gptq", bits=4))
POSITIONS, SCORED = 16, 2


def report(folder: Path, windows: int = 8, context: int = 256) -> None:
    """Print a line for each part of each setting, and what scoring takes beside a plain loop."""
    torch.set_num_threads(1)
    model = language_model.load(folder, torch.device("cpu"))
    vocabulary = model.config.vocab_size
    rng = np.random.default_rng(0)
    ids = torch.from_numpy(rng.integers(0, vocabulary, (windows, context)))
    batches = list(ids.split(max(1, 4096 // context)))
    print(f"{folder.name}: {model.num_parameters():,} parameters, {ids.numel():,} tokens")
    with tempfile.TemporaryDirectory() as kept:
        for setting in SETTINGS:
            _quantize(language_model.load(folder, torch.device("cpu")), setting, batches, kept)
    tokens = rng.integers(0, vocabulary, (SCORED, model.config.max_position_embeddings + 1))
    _score(model, tokens[:, : 2048 + 1])


def _quantize(
    model: PreTrainedModel, setting: Setting, batches: list[torch.Tensor], kept: str
) -> None:
    reset_peak()
    with _timed(f"{setting.slug}: quantized, with statistics"):
        tensors, _ = quantize_model(model, setting, batches, moments=Path(kept) / "moments")
    with _timed(f"{setting.slug}: both files written"):
        files = [codes.encode(code, tensors, setting) for code in codes.CODES]
    with _timed(f"{setting.slug}: both files read and compared"):
        for file in files:
            for name, weights in codes.decode(file, layout(model)):
                assert torch.equal(weights, model.get_parameter(name))
    print(f"  {setting.slug}: at most {peak_bytes() / 2**30:.2f} GiB in the process")


def _score(model: PreTrainedModel, windows: np.ndarray) -> None:
    context = windows.shape[1] - 1
    positions = drawn_positions(len(windows), POSITIONS, context, seed=0)
    with _timed(f"{windows[:, 1:].size:,} tokens scored at {POSITIONS} positions a window"):
        score_positions(model, windows, positions, model.config.vocab_size)
    ids = torch.from_numpy(windows[:, :-1])
    with torch.inference_mode(), _timed("the same in a plain loop of transformers, all positions"):
        for window in ids:
            model(input_ids=window[None], labels=window[None]).loss.item()


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.process_time()
    yield
    print(f"  {what}: {time.process_time() - start:.1f} s", flush=True)


if __name__ == "__main__":
    report(Path(sys.argv[1]), *map(int, sys.argv[2:]))
