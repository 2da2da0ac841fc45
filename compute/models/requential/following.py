"""The student follows the teacher: draw a block, score it, learn from it (section 10)."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from compute.base.whole_file import whole_file
from compute.models.requential.recipe import MOST_WINDOWS
from compute.models.requential.sampler import Sampler
from compute.models.requential.student import Student
from compute.models.requential.teacher import block_weights
from compute.models.training.training_state import INTERVAL_SECONDS
from compute.suites.text.windows.tiling import DOCUMENT_END

#: Of the uniform numbers that draw; far from the seeds of initial weights, which are small.
DRAW_SEED = 2_147_480_000


@dataclass(frozen=True)
class Block:
    """What was drawn between two changes of the teacher.

    Attributes:
        steps: of the student after it.
        tokens: drawn in it.
        log_ratio_nats: sum over them of ln Q - ln P; over all blocks it is I*ln 2.
        teacher_nats: mean of -ln Q.
    """

    steps: int
    tokens: int
    log_ratio_nats: float
    teacher_nats: float


def follow(
    student: Student,
    ends: list[int],
    teacher: Path,
    report: Callable[[int], None],
    state: Path | None = None,
    interval_seconds: float = INTERVAL_SECONDS,
) -> list[Block]:
    """Train a student on windows that are drawn from its teacher, block by block, and finish it.

    The first token of a window is the last one of a window of the block before, or at first the
    end of a document: a function of what was drawn, as the certificate requires.

    Args:
        student: untrained.
        ends: steps after which blocks end, as the recipe's ``blocks`` gives them.
        teacher: folder of the teacher's blocks.
        report: receives the tokens drawn so far.
        state: file to continue from, and to save to, at most so many seconds apart.
    """
    spec, device = student.spec, student.device
    sampler = Sampler(student.model.config, MOST_WINDOWS, spec.context_length, device)
    generator = torch.Generator().manual_seed(DRAW_SEED + spec.seed)
    blocks: list[Block] = []
    last = torch.full((1,), DOCUMENT_END)
    if state is not None and state.exists():
        saved = torch.load(state, weights_only=True)
        student.load_state_dict(saved["student"])
        generator.set_state(saved["generator"])
        blocks, last = [Block(**row) for row in saved["blocks"]], saved["last"]
    saved_at = time.monotonic()
    for k in range(len(blocks), len(ends)):
        done = blocks[-1].steps if blocks else 0
        windows = min(ends[k] * spec.batch_windows, spec.train_windows) - done * spec.batch_windows
        first = last[torch.arange(windows) % len(last)].to(device)
        tokens, teacher_logs = sampler.draw(block_weights(teacher, k, device), first, generator)
        ratios = teacher_logs - student.log_probabilities(tokens)
        student.learn(tokens)
        last = tokens[:, -1].cpu()
        teacher_nats = -teacher_logs.mean().item()
        blocks.append(Block(ends[k], ratios.numel(), ratios.sum().item(), teacher_nats))
        report(sum(block.tokens for block in blocks))
        if state is not None and time.monotonic() - saved_at >= interval_seconds:
            found = {
                "student": student.state_dict(),
                "generator": generator.get_state(),
                "blocks": [asdict(block) for block in blocks],
                "last": last,
            }
            with whole_file(state) as writing:
                torch.save(found, writing)
            saved_at = time.monotonic()
    student.finish()
    return blocks
