"""A requential student against the plain training of its size, and drawing against scoring.

The smallest model of the shipped ladder with all of its D tokens, on random bytes, which take as
long as text, on one thread.
"""

import time
from dataclasses import replace

import numpy as np
import torch

from compute.models.language_model import build
from compute.models.requential.following import follow
from compute.models.requential.sampler import Sampler
from compute.models.requential.student import Student
from compute.models.requential.teacher import Teacher
from compute.models.training.training import train
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.ladder_suite import load_ladder
from compute.suites.ladder.recipe import MOST_WINDOWS, Recipe

#: Times that drawing and scoring are measured; the shortest counts.
REPEATS = 3


def report() -> None:
    """Print seconds of the plain training and of teacher and student, and both rates of tokens."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spec = replace(load_ladder("mixed").models[0], train_arithmetic="float32")
        device, rng = torch.device("cpu"), np.random.default_rng(0)
        shape = (spec.train_windows, spec.context_length + 1)
        windows = rng.integers(0, spec.vocab_size, shape).astype(np.uint8)
        start = time.monotonic()
        train(build(spec), spec, windows, device, lambda tokens: None)
        plain = time.monotonic() - start
        recipe, start = Recipe(), time.monotonic()
        follow(
            Student(spec, recipe, device),
            Teacher(spec, recipe, windows, device),
            lambda tokens: None,
        )
        both = time.monotonic() - start
        drawing, scoring = _rates(spec, device)
        print(
            f"\nA requential student of {spec.params_total:,} parameters, one CPU thread\n"
            f"  teacher and student: {both:.1f} s against {plain:.1f} of the plain training in "
            f"float32, {both / plain:.1f} times as long\n"
            f"  drawing {MOST_WINDOWS} windows: {drawing:,.0f} tokens/s against {scoring:,.0f} of "
            f"scoring them, {drawing / scoring:.2f} times as fast"
        )
    finally:
        torch.set_num_threads(before)


def _rates(spec: LadderModel, device: torch.device) -> tuple[float, float]:
    """Tokens per second drawn, and scored by a forward pass."""
    model = build(spec).eval()
    sampler = Sampler(model.config, MOST_WINDOWS, spec.context_length, device)
    weights = {name: value.detach() for name, value in model.named_parameters()}
    first, generator = torch.zeros(MOST_WINDOWS, dtype=torch.int64), torch.Generator()
    tokens = MOST_WINDOWS * spec.context_length
    drawing, scoring = [], []
    for _ in range(REPEATS):
        start = time.monotonic()
        drawn, _ = sampler.draw(weights, first, generator)
        drawing.append(time.monotonic() - start)
        start = time.monotonic()
        with torch.inference_mode():
            torch.log_softmax(model(drawn[:, :-1]).logits.double(), dim=-1)
        scoring.append(time.monotonic() - start)
    return tokens / min(drawing), tokens / min(scoring)


if __name__ == "__main__":
    report()
