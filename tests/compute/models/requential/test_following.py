"""A student follows its teacher: what it may look at, and that an interruption changes nothing."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from bounds.codes.requential import requential_bits
from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.models.requential.following import follow
from compute.models.requential.student import Student
from compute.models.requential.teacher import Teacher
from compute.models.training.training_state import TrainingState
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.recipe import MOST_WINDOWS, Recipe

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SPEC = LadderModel(
    hidden_size=8,
    layers=1,
    heads=1,
    learning_rate=0.03,
    batch_windows=2,
    seed=0,
    context_length=16,
    tokens_per_parameter=1,
)
#: Fewer passes and draws than by default, for speed.
RECIPE = Recipe(passes=2, hold=0.1)
BLOCKS = RECIPE.blocks(SPEC.steps, SPEC.batch_windows)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Text of three letters that follow one another in turn, with noise."""
    random = np.random.default_rng(0)
    letters = (np.arange(17) + random.integers(3, size=(SPEC.train_windows, 1))) % 3 + 97
    noise = random.random(letters.shape) < 0.1
    return np.where(noise, random.integers(97, 123, size=letters.shape), letters).astype(np.uint8)


def pair(windows, spec=SPEC, recipe=RECIPE) -> tuple[Student, Teacher]:
    """Untrained."""
    return Student(spec, recipe, CPU), Teacher(spec, recipe, windows, CPU)


def silent(tokens: int) -> None:
    """Without a report."""


@pytest.fixture(scope="module")
def followed(windows):
    student, teacher = pair(windows)
    return student, teacher, follow(student, teacher, silent)


def loss(model, windows) -> float:
    return evaluate(model.eval(), windows, CPU, lambda tokens: None).mean_loss_nats


def test_every_drawn_token_pays_for_what_the_student_learns(followed, windows):
    student, teacher, drawn = followed
    assert [row.tokens for row in drawn] == [16 * block.windows for block in BLOCKS]
    assert drawn[-1].steps == student.average.steps == SPEC.steps
    assert teacher.average.steps == RECIPE.passes * SPEC.steps
    untrained = loss(language_model.build(SPEC), windows)
    assert loss(student.averaged, windows) < untrained - 1.0
    tokens = sum(row.tokens for row in drawn)
    ratios = np.array([row.log_ratio_nats for row in drawn])
    assert requential_bits(ratios, tokens, recipes=1) > 0.1 * SPEC.params_total


def test_the_student_depends_on_the_text_through_the_draws_alone(followed):
    """Two students that are shown the same draws are the same."""
    student, _, _ = followed
    again = Student(SPEC, RECIPE, CPU)
    shown = student._drawn.to(torch.int64)
    done = 0
    for block in BLOCKS:
        for new in again.take_in(shown[done : done + block.windows], block.steps):
            again.learn(new)
        done += block.windows
    assert done == len(shown)
    for one, other in zip(student.average.weights, again.average.weights, strict=True):
        assert torch.equal(one, other)


def test_a_student_like_its_teacher_pays_nothing(windows, monkeypatch):
    """The weights that draw are those that predict: Q is P, up to two ways of rounding."""
    student, teacher = pair(windows)

    def own(self):
        named = student.averaged.named_parameters()
        return {name: weight.detach().clone() for name, weight in named}

    monkeypatch.setattr(Teacher, "weights", property(own))
    drawn = follow(student, teacher, silent)
    tokens = sum(row.tokens for row in drawn)
    assert abs(sum(row.log_ratio_nats for row in drawn)) < 1e-5 * tokens


def test_interrupted_they_end_with_the_same_bytes(followed, windows, tmp_path):
    student, teacher, drawn = followed
    calls = itertools.count()

    def stop(tokens):
        if next(calls) == len(BLOCKS) // 2:
            raise KeyboardInterrupt

    state = TrainingState(tmp_path / "state", interval_seconds=0.05)
    with pytest.raises(KeyboardInterrupt):
        follow(*pair(windows), stop, state)
    resumed, its_teacher = pair(windows)
    assert follow(resumed, its_teacher, silent, state) == drawn
    for one, other in ((resumed, student), (its_teacher, teacher)):
        pairs = zip(one.average.weights, other.average.weights, strict=True)
        assert all(torch.equal(*weights) for weights in pairs)


def test_the_tether_pulls_the_teacher_to_the_student(windows):
    student, teacher = pair(windows, recipe=dataclasses.replace(RECIPE, tether=1e-9))
    there = [weight + 1.0 for weight in student.average.weights]
    teacher.learn(there)
    for weight, target in zip(teacher.model.parameters(), there, strict=True):
        assert torch.equal(weight, target)


def test_flattened_logits_are_scaled(followed, windows):
    student, _, _ = followed
    tokens = torch.from_numpy(windows[:4, :-1].astype(np.int64))
    with torch.no_grad():
        logits = student.averaged(tokens).logits
        flattened = student.finished()(tokens).logits
    torch.testing.assert_close(flattened, RECIPE.flatness * logits)


def test_seeds_draw_other_windows(windows):
    students = []
    for seed in (0, 1):
        student, teacher = pair(windows, dataclasses.replace(SPEC, seed=seed))
        with pytest.raises(KeyboardInterrupt):
            follow(student, teacher, interrupted)
        students.append(student)
    first, other = students
    assert not torch.equal(first._drawn[:1], other._drawn[:1])


def interrupted(tokens: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("batch_windows", [2, 3, 16, 200])
@pytest.mark.parametrize("drawn", [0.25, 0.5, 1.0])
def test_blocks_take_every_step_and_draw_their_share(batch_windows, drawn):
    blocks = dataclasses.replace(RECIPE, drawn=drawn).blocks(1000, batch_windows)
    assert sum(block.steps for block in blocks) == 1000
    assert all(block.windows >= 1 for block in blocks)
    share = sum(block.windows for block in blocks) / (1000 * batch_windows)
    assert drawn - 1e-3 <= share <= drawn + 0.05
    assert max(block.windows for block in blocks) <= max(MOST_WINDOWS, batch_windows)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"teacher_window": 0.0}, "teacher_window=0.0"), ({"passes": 0}, "too small")],
)
def test_a_recipe_that_cannot_be_is_an_error(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(RECIPE, **wrong)


def test_replayed_windows_are_among_the_latest():
    pupil = Student(SPEC, dataclasses.replace(RECIPE, pool=0.25), CPU)
    pupil._count = 40
    assert {*pupil._pooled(500).tolist()} == {*range(30, 40)}
