"""A student follows its teacher: what it may look at, and that an interruption changes nothing."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from bounds.codes.requential import requential_bits
from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.models.requential import following
from compute.models.requential.following import follow
from compute.models.requential.recipe import Recipe
from compute.models.requential.student import Student
from compute.models.requential.teacher import TeacherPath, block_weights
from compute.models.training.training import train
from compute.models.training.training_state import TrainingState
from compute.suites.ladder.ladder_model import LadderModel

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
    tokens_per_parameter=2,
)
RECIPE = Recipe(teacher_window=0.5, student_window=0.1)
ENDS = RECIPE.blocks(SPEC.steps, SPEC.batch_windows)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Text of three letters that follow one another in turn, with noise."""
    random = np.random.default_rng(0)
    letters = (np.arange(17) + random.integers(3, size=(SPEC.train_windows, 1))) % 3 + 97
    noise = random.random(letters.shape) < 0.1
    return np.where(noise, random.integers(97, 123, size=letters.shape), letters).astype(np.uint8)


def taught(windows, folder, **more):
    """The trained teacher, whose path lies in ``folder``."""
    teacher = language_model.build(SPEC)
    path = TeacherPath(teacher, RECIPE.teacher_window, ENDS, folder)
    train(teacher, SPEC, windows, CPU, lambda tokens: None, watcher=path, **more)
    return teacher


@pytest.fixture(scope="module")
def path(windows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("path")
    taught(windows, folder)
    return folder


@pytest.fixture(scope="module")
def followed(path):
    pupil = Student(SPEC, RECIPE, CPU)
    return pupil, follow(pupil, ENDS, path, lambda tokens: None)


def loss(model, windows) -> float:
    return evaluate(model.eval(), windows, CPU, lambda tokens: None).mean_loss_nats


def test_the_teacher_is_the_ladders_own_model(windows, tmp_path):
    alone = language_model.build(SPEC)
    train(alone, SPEC, windows, CPU, lambda tokens: None)
    watched = taught(windows, tmp_path)
    assert language_model.weights_sha256(watched) == language_model.weights_sha256(alone)


def test_every_token_is_drawn_once_and_pays_for_what_the_student_knows(followed, windows):
    pupil, blocks = followed
    assert [block.steps for block in blocks] == ENDS
    assert sum(block.tokens for block in blocks) == SPEC.train_tokens
    untrained = loss(language_model.build(SPEC), windows)
    assert loss(pupil.averaged, windows) < untrained - 1.0
    bits = requential_bits(
        np.array([block.log_ratio_nats for block in blocks]), SPEC.train_tokens, recipes=1
    )
    assert bits > 0.1 * SPEC.params_total  # it learned something, which is not free


def test_the_student_depends_on_the_text_through_the_draws_alone(followed, path, tmp_path):
    """Two students that are shown the same draws are the same."""
    pupil, _ = followed
    again = Student(SPEC, RECIPE, CPU)
    shown = pupil._drawn.to(torch.int64)
    done = 0
    for end in ENDS:
        stop = min(end * SPEC.batch_windows, SPEC.train_windows)
        again.learn(shown[done:stop])
        done = stop
    again.finish()
    for one, other in zip(pupil.average.weights, again.average.weights, strict=True):
        assert torch.equal(one, other)


def test_a_student_like_its_teacher_pays_nothing(path, monkeypatch):
    """The weights that draw are those that predict: Q is P, up to two ways of rounding."""
    pupil = Student(SPEC, RECIPE, CPU)

    def own(folder, block, device):
        named = pupil.averaged.named_parameters()
        return {name: weight.detach().clone() for name, weight in named}

    monkeypatch.setattr(following, "block_weights", own)
    blocks = follow(pupil, ENDS, path, lambda tokens: None)
    assert abs(sum(block.log_ratio_nats for block in blocks)) < 1e-5 * SPEC.train_tokens


def test_an_interrupted_student_ends_with_the_same_bytes(followed, path, tmp_path):
    pupil, blocks = followed
    calls = itertools.count()

    def stop(tokens):
        if next(calls) == len(ENDS) // 2:
            raise KeyboardInterrupt

    file = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        follow(Student(SPEC, RECIPE, CPU), ENDS, path, stop, file, interval_seconds=0.05)
    resumed = Student(SPEC, RECIPE, CPU)
    assert follow(resumed, ENDS, path, lambda tokens: None, file) == blocks
    same = language_model.weights_sha256(resumed.averaged)
    assert same == language_model.weights_sha256(pupil.averaged)


def test_an_interrupted_teacher_leaves_the_same_path(windows, path, tmp_path):
    state = TrainingState(tmp_path / "state", interval_seconds=0.05)
    counts = itertools.count()

    def stop(tokens):
        if next(counts) == SPEC.steps // 2:
            raise KeyboardInterrupt

    teacher = language_model.build(SPEC)
    watcher = TeacherPath(teacher, RECIPE.teacher_window, ENDS, tmp_path / "path")
    with pytest.raises(KeyboardInterrupt):
        train(teacher, SPEC, windows, CPU, stop, state=state, watcher=watcher)
    taught(windows, tmp_path / "path", state=state)
    for block in range(len(ENDS)):
        one = block_weights(path, block, CPU)
        other = block_weights(tmp_path / "path", block, CPU)
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_seeds_draw_other_windows(path):
    first = Student(SPEC, RECIPE, CPU)
    other = Student(dataclasses.replace(SPEC, seed=1), RECIPE, CPU)
    for pupil in (first, other):
        follow(pupil, ENDS[:1], path, lambda tokens: None)
    assert not torch.equal(first._drawn[:2], other._drawn[:2])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"teacher_window": 0.0}, "teacher_window=0.0"), ({"replayed": -1}, "is negative")],
)
def test_a_recipe_that_cannot_be_is_an_error(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(RECIPE, **wrong)


def test_replayed_windows_are_among_the_latest():
    pupil = Student(SPEC, dataclasses.replace(RECIPE, pool=0.25), CPU)
    pupil._count = 40
    assert {*pupil._pooled(500).tolist()} == {*range(30, 40)}
