"""The requential certificate against a source of known risk, and broken ones that must fail.

Teacher and student count: both predict the next symbol of a Markov chain from the one before, by
what they have seen.  The teacher sees a few real symbols more at every step; the student sees only
what is drawn from the teacher.  Texts are short, so that the teacher memorizes much of them.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bounds import ControlGrid, chosen_geometric_bound
from bounds.codes.requential import requential_bits
from tests.bounds.markov import MarkovSource, Model

VOCAB, LENGTH, STEPS, DRAWN = 8, 128, 16, 32
ALPHA, DELTA = 0.2, 0.1
RUNS = 2000
TRANSITIONS = np.random.default_rng(4).dirichlet(np.full(VOCAB, 0.7), size=VOCAB)

#: What the student believes of a coin that the teacher tosses first: heads is nearly certain.
HEADS = 0.999


@dataclass(frozen=True)
class Experiment:
    """How teacher and student meet; the defaults are what the proof asks for.

    Attributes:
        drawn: symbols of each of the ``STEPS`` batches.
        coin: the teacher's probability of heads; the student takes no notice of the coin.
        peeks: the student looks at the real data once, after its last step.
        steered: what is called the student's own distribution follows the teacher's.
        heat: exponent of the distribution that draws; what is charged has exponent 1.
        late: the student's own distribution is taken after its step on the batch.
        repeats: every batch is drawn with the same uniform numbers.
        students: of which the one with the lowest bound is kept.
        recipes: m, for whose choice ln m is charged.
        charged: the share of I*ln 2 + ln m that is charged.
    """

    drawn: int = DRAWN
    coin: float = HEADS
    peeks: bool = False
    steered: bool = False
    heat: float = 1.0
    late: bool = False
    repeats: bool = False
    students: int = 1
    recipes: int = 1
    charged: float = 1.0


def advance(state, table, rng):
    """Next symbol in every run; ``table`` has shape (runs, V, V)."""
    cumulative = table[np.arange(len(state)), state].cumsum(axis=1)
    return np.minimum((rng.random(len(state))[:, None] > cumulative).sum(axis=1), VOCAB - 1)


def predictions(counts):
    """By add-half counts, shape (runs, V, V)."""
    return (counts + 0.5) / (counts + 0.5).sum(axis=2, keepdims=True)


def texts(rng):
    """Counts of transitions in ``STEPS + 1`` growing prefixes, shape (STEPS + 1, runs, V, V)."""
    state, every = rng.integers(VOCAB, size=RUNS), np.arange(RUNS)
    counts = np.zeros((RUNS, VOCAB, VOCAB))
    prefixes = [counts.copy()]
    table = np.broadcast_to(TRANSITIONS, counts.shape)
    for _ in range(STEPS):
        for _ in range(LENGTH // STEPS):
            following = advance(state, table, rng)
            counts[every, state, following] += 1
            state = following
        prefixes.append(counts.copy())
    return prefixes


def student_of(prefixes, how, rng):
    """(predictions of the student, I*ln 2), in every run."""
    every = np.arange(RUNS)
    counts = np.zeros((RUNS, VOCAB, VOCAB))
    heads = rng.random(RUNS) < how.coin
    nats = np.log(np.where(heads, how.coin / HEADS, (1 - how.coin) / (1 - HEADS)))
    again = rng.integers(2**32)
    for step in range(STEPS):
        teacher = predictions(prefixes[step + 1])
        drawing = teacher**how.heat
        drawing /= drawing.sum(axis=2, keepdims=True)
        draws = np.random.default_rng(again) if how.repeats else rng
        drawn, state, taken = np.zeros_like(counts), np.full(RUNS, step % VOCAB), []
        for _ in range(how.drawn):
            following = advance(state, drawing, draws)
            drawn[every, state, following] += 1
            taken.append((every, state, following))
            state = following
        own = predictions(counts + drawn if how.late else counts)
        if how.steered:
            own = 0.1 * own + 0.9 * teacher
        nats += sum(np.log(teacher[place] / own[place]) for place in taken)
        counts += drawn
    return predictions(counts + prefixes[-1] if how.peeks else counts), nats


def judged(table, nats, counts):
    """By how much (*) fails, and the bound of form (3) with its true risk, each in every run.

    The control is fixed: W = Delta + 0.02.
    """
    loss = -np.log((1 - ALPHA) * table + ALPHA / VOCAB)
    w = math.log(VOCAB / ALPHA) + 0.02
    expected = (TRANSITIONS * (w - loss)).sum(axis=2)  # (runs, V), by context
    visits = counts.sum(axis=2)
    log_z = (counts * np.log(w - loss)).sum(axis=(1, 2))
    log_m = log_z - (visits * np.log(expected)).sum(axis=1)
    paid = nats - math.log(DELTA)
    bound = w - np.exp((log_z - paid) / LENGTH)
    return log_m - paid, bound, (visits * (w - expected)).sum(axis=1) / LENGTH


def failures(how, seed=0):
    """Runs in which (*) fails, and in which the bound lies below the risk."""
    rng = np.random.default_rng(seed)
    prefixes = texts(rng)
    kept = None
    for _ in range(how.students):
        table, nats = student_of(prefixes, how, rng)
        paid = how.charged * (nats + math.log(how.recipes))
        found = judged(table, paid, prefixes[-1])
        lower = True if kept is None else found[1] < kept[1]
        kept = (
            found
            if kept is None
            else [np.where(lower, *pair) for pair in zip(found, kept, strict=True)]
        )
    excess, bound, risk = kept
    return int((excess > 0).sum()), int((risk > bound).sum())


#: Failures that an event of probability delta exceeds once in 10,000 tests.
MOST = int(binom.ppf(1 - 1e-4, RUNS, DELTA))

SOUND = {
    "the teacher is followed": Experiment(),
    "hardly anything is drawn": Experiment(drawn=1),
    # Heads refunds what failing once in ten times costs: (*) fails as often as it may.
    "the teacher contradicts what the student takes for certain": Experiment(drawn=0, coin=0.095),
    # Without ln(1/delta) it would fail in half of the runs.
    "the teacher is of two minds": Experiment(drawn=0, coin=0.5),
    "the best of 20 students is paid for": Experiment(drawn=0, coin=0.095, students=20, recipes=20),
}
BROKEN = {
    "the student looks at the real data": Experiment(drawn=1, peeks=True),
    "the student's distribution depends on the real data": Experiment(steered=True),
    "another distribution draws than the one that is charged": Experiment(heat=4.0),
    "the best of 20 students is kept": Experiment(drawn=0, coin=0.095, students=20),
    "the student is asked after it has learned": Experiment(drawn=1, late=True),
    "every batch is drawn with the same numbers": Experiment(repeats=True),
    "nothing is charged": Experiment(charged=0.0),
}


@pytest.mark.parametrize("name", SOUND)
def test_it_holds_as_often_as_it_claims(name):
    excess, below = failures(SOUND[name])
    assert below <= excess <= MOST  # a bound below the risk needs (*) to fail


def test_the_sharpest_case_fails_nearly_as_often_as_it_may():
    assert failures(Experiment(drawn=0, coin=0.095))[0] > 0.8 * DELTA * RUNS


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_twin_is_found_out(name):
    excess, below = failures(BROKEN[name])
    assert min(excess, below) > MOST


@dataclass(frozen=True)
class Tiny:
    """An experiment small enough to sum over every text and every trajectory.

    Two symbols, texts and trajectories of four, each independent of the one before.  The teacher
    counts each real symbol three times, the student each drawn one twice.

    Attributes: as of ``Experiment``.
    """

    peeks: bool = False
    steered: bool = False
    heat: float = 1.0
    late: bool = False
    charged: float = 1.0


def expected_capital(how: Tiny) -> float:
    """E[M * exp(-I*ln 2)] over texts and draws, exactly; the proof says at most 1."""
    chances, total = (0.8, 0.2), 0.0
    for text in product(range(2), repeat=4):
        for drawn in product(range(2), repeat=4):
            probability, nats, counts = math.prod(chances[x] for x in text), 0.0, [0, 0]
            for step, symbol in enumerate(drawn):
                teacher = by_counts([3 * text[: step + 1].count(x) for x in range(2)])
                drawing = [q**how.heat for q in teacher]
                own = by_counts(counts)
                counts[symbol] += 2
                if how.late:
                    own = by_counts(counts)
                if how.steered:
                    own = [0.1 * p + 0.9 * q for p, q in zip(own, teacher, strict=True)]
                probability *= drawing[symbol] / sum(drawing)
                nats += math.log(teacher[symbol] / own[symbol])
            student = by_counts([c + 10 * how.peeks * text.count(x) for x, c in enumerate(counts)])
            room = [
                math.log(2 / ALPHA) + 0.02 + math.log((1 - ALPHA) * p + ALPHA / 2) for p in student
            ]
            mean = sum(p * z for p, z in zip(chances, room, strict=True))
            total += (
                probability
                * math.prod(room[x] / mean for x in text)
                * math.exp(-how.charged * nats)
            )
    return total


def by_counts(counts: list[int]) -> list[float]:
    """Predictions by add-half counts."""
    return [(count + 0.5) / (sum(counts) + 0.5 * len(counts)) for count in counts]


def test_the_expectation_of_the_proof_is_exactly_one():
    assert expected_capital(Tiny()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    "how",
    [
        Tiny(peeks=True),
        Tiny(steered=True),
        Tiny(late=True),
        Tiny(charged=0.5),
        Tiny(charged=0.0),
    ],
)
def test_the_expectation_of_a_broken_twin_is_above_one(how):
    assert expected_capital(how) > 1.02


def test_a_charge_for_another_distribution_than_the_one_that_draws_is_another_expectation():
    assert abs(expected_capital(Tiny(heat=4.0)) - 1.0) > 0.1


def test_with_the_form_and_its_choices_it_is_never_below_the_risk():
    """The whole way of a certificate: bits, the choice of a control, the bound."""
    rng = np.random.default_rng(7)
    prefixes = texts(rng)
    table, nats = student_of(prefixes, Experiment(drawn=1), rng)
    grid = ControlGrid(alphas=(0.1, ALPHA), offsets=(1.01, 1.5), slopes=(0.0, 0.5))
    below = 0
    for run in range(200):
        model, counts = Model(table[run]), prefixes[-1][run]
        bound = chosen_geometric_bound(
            0.0,
            model.token_losses(counts),
            code_bits=requential_bits(nats[run : run + 1], STEPS, recipes=4),
            train_tokens=LENGTH,
            vocab_size=VOCAB,
            failure_probability=DELTA,
            grid=grid,
        )
        below += model.true_risk(counts, MarkovSource(TRANSITIONS), bound.alpha) > bound.total_nats
    assert below <= binom.ppf(1 - 1e-4, 200, DELTA)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30), st.integers(1, 10**9))
def test_bits_are_never_fewer_than_the_sum_says(ratios, recipes):
    bits = requential_bits(np.array(ratios), len(ratios), recipes=recipes)
    exact = sum(map(Fraction, ratios))
    assert bits >= max(1.0, float(exact) / math.log(2) + math.log2(recipes) - 1e-12)
    assert bits <= max(1.0, float(exact) / math.log(2) + math.log2(recipes) + 1.001)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.array([1.0, math.inf]), 2, 1), "a log ratio is not finite"),
        ((np.array([math.nan]), 1, 1), "a log ratio is not finite"),
        ((np.array([1.0]), 0, 1), "tokens_drawn"),
        ((np.array([1.0]), 1, 0), "recipes"),
        ((np.array([]), 5, 1), "0 log ratios of 5 drawn tokens"),
        ((np.ones(6), 5, 1), "6 log ratios of 5 drawn tokens"),
        ((np.ones(5, np.float32), 5, 1), "float32"),
    ],
)
def test_what_has_no_length_is_an_error(arguments, sentence):
    ratios, tokens, recipes = arguments
    with pytest.raises(ValueError, match=sentence):
        requential_bits(ratios, tokens, recipes=recipes)


def test_the_rounding_of_every_token_is_charged():
    assert requential_bits(np.zeros(1), 10**12, recipes=1) == math.ceil(10 / math.log(2))
