"""The student follows the teacher: draw a block, score it, learn from it (section 10)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from compute.models.requential.sampler import Sampler
from compute.models.requential.student import Student
from compute.models.requential.teacher import Teacher
from compute.models.training.training_state import TrainingState
from compute.suites.ladder.recipe import MOST_WINDOWS
from compute.suites.text.windows.tiling import DOCUMENT_END

#: Of the uniform numbers that draw; far from the seeds of initial weights, which are small.
DRAW_SEED = 2_147_480_000


@dataclass(frozen=True)
class DrawnBlock:
    """What was drawn between two comparisons of teacher and student.

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
    teacher: Teacher,
    report: Callable[[int], None],
    state: TrainingState | None = None,
) -> list[DrawnBlock]:
    """Train a teacher on real text, and a student on windows drawn from it, block by block.

    The first token of a window is the last one of a window of the block before, or at first the
    end of a document: a function of what was drawn, as the certificate requires.

    Args:
        student: untrained; trained in place.
        teacher: of the same model and recipe, untrained.
        report: receives the tokens of the real text that the student has had its steps for.
        state: to continue an earlier run and to save this one; None to save nothing.
    """
    spec, device = student.spec, student.device
    sampler = Sampler(spec.config, MOST_WINDOWS, spec.context_length, device)
    generator = torch.Generator().manual_seed(DRAW_SEED + spec.seed)
    drawn: list[DrawnBlock] = []
    last = torch.full((1,), DOCUMENT_END)
    if state is not None and (saved := state.read(device)) is not None:
        student.load_state_dict(saved["student"])
        teacher.load_state_dict(saved["teacher"])
        generator.set_state(saved["generator"].cpu())
        drawn, last = [DrawnBlock(**row) for row in saved["drawn"]], saved["last"].cpu()

    def state_of_now() -> dict:
        return {
            "student": student.state_dict(),
            "teacher": teacher.state_dict(),
            "generator": generator.get_state(),
            "drawn": [asdict(row) for row in drawn],
            "last": last,
        }

    for block in student.recipe.blocks(spec.steps, spec.batch_windows)[len(drawn) :]:
        first = last[torch.arange(block.windows) % len(last)].to(device)
        tokens, teacher_logs = sampler.draw(teacher.weights, first, generator)
        ratios = teacher_logs - student.log_probabilities(tokens)
        tether = student.average.weights
        for new in student.take_in(tokens, block.steps):
            teacher.learn(tether)
            student.learn(new)
        last = tokens[:, -1].cpu()
        teacher_nats = -teacher_logs.mean().item()
        steps = student.average.steps
        drawn.append(DrawnBlock(steps, ratios.numel(), ratios.sum().item(), teacher_nats))
        report(min(steps * spec.batch_windows, spec.train_windows) * spec.context_length)
        if state is not None:
            state.save_if_due(state_of_now)
    return drawn
