"""Losses of a published model's shape against a plain evaluation loop of transformers.

On a GPU the shape is Pythia-1B's in bfloat16, elsewhere Pythia-14M's in float32 on one thread; the
weights are random, which takes as long.  Also what GPTQ takes of one block, and the peak memory.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from compute.base.setting import Setting
from compute.models.layout import Kind, layout, modules_of
from compute.models.placement import arithmetic, cast, dtype_name
from compute.models.sampled_evaluation import BATCH_TOKENS, score_positions
from compute.quantize.calibration import layer_inputs
from compute.quantize.quantizers import quantize
from compute.suites.published.hub_suite import load_hub_suite
from compute.suites.text.windows.draws import drawn_positions

#: Model of the preset ``pythia`` and windows scored, by kind of device.
SHAPES = {"cpu": ("pythia-14m", 4), "cuda": ("pythia-1b", 256)}

POSITIONS = 16
REPEATS = 3


def report() -> None:
    """Print tokens per second of both, their ratio and their difference, and GPTQ's time."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name, count = SHAPES[device]
    spec = next(m for m in load_hub_suite("pythia").models if m.model_id == name)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(spec.config).to(device).eval()
        gptq = _gptq_seconds(model, spec.context_length, spec.vocab_size)
        dtype = arithmetic(device)
        cast(model, dtype)
        rng = np.random.default_rng(0)
        windows = rng.integers(0, spec.vocab_size, (count, spec.context_length + 1))
        every = np.tile(np.arange(spec.context_length), (count, 1))
        some = drawn_positions(count, POSITIONS, spec.context_length, seed=0)
        tokens = count * spec.context_length
        print(
            f"\nLosses of {name}'s shape on {tokens:,} tokens, {dtype_name(dtype)} on "
            f"{torch.cuda.get_device_name() if device == 'cuda' else 'one CPU thread'}"
        )
        plain_loss, plain = _best(lambda: _plain(model, windows))
        for label, positions in (("all positions", every), (f"{POSITIONS} positions", some)):
            losses, seconds = _best(
                lambda positions=positions: (
                    score_positions(model, windows, positions, spec.vocab_size).loss_nats
                )
            )
            print(
                f"  {label}: {tokens / seconds:,.0f} tokens/s against {tokens / plain:,.0f} of a "
                f"plain loop, {plain / seconds:.2f} times as fast"
            )
            if positions is every:
                print(f"  mean loss differs by {losses.mean() - plain_loss:.1e} nats")
        print(f"  GPTQ at 4 bits of one block on {2 * spec.context_length:,} tokens: {gptq:.1f} s")
        if device == "cuda":
            print(f"  peak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def _plain(model: PreTrainedModel, windows: np.ndarray) -> float:
    """Mean loss as tutorials take it: batches of as many tokens, labels given to the model."""
    size = max(1, BATCH_TOKENS[model.device.type] // (windows.shape[1] - 1))
    losses = []
    for start in range(0, len(windows), size):
        ids = torch.from_numpy(windows[start : start + size]).to(model.device)
        losses.append(model(input_ids=ids, labels=ids).loss.item())
    return float(np.mean(losses))


def _gptq_seconds(model: PreTrainedModel, context: int, vocab_size: int) -> float:
    """Seconds to quantize the matrices of the first block, inputs included."""
    ids = torch.randint(vocab_size, (2, context), device=model.device)
    block = [p for p in layout(model) if p.kind == Kind.LINEAR and ".layers.0." in p.name]
    owners = modules_of(model, block)
    by_module = {module: p for p in block for module in owners[p.name]}
    start = time.monotonic()
    for inputs in layer_inputs(model, [ids], set(by_module)):
        parameter = by_module[inputs.module]
        values = parameter.to_matrix(model.get_parameter(parameter.name).detach())
        quantize(parameter, values, inputs.second_moment, Setting("gptq", 4))
    return time.monotonic() - start


def _best(run: Callable) -> tuple:
    """What it returns, and the shortest of its times, after one to warm up."""
    result, seconds = run(), []
    for _ in range(REPEATS):
        start = time.monotonic()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.monotonic() - start)
    return result, min(seconds)


if __name__ == "__main__":
    report()
