import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from compute.base.errors import InputError
from compute.suites.text.windows.draws import (
    _POSITIONS,
    _WINDOWS,
    _generator,
    drawn_positions,
    uniform_draws,
)

SEEDS = st.integers(0, 2**64)


@given(st.integers(1, 2**40), st.integers(0, 3000), SEEDS)
def test_draws_are_windows_and_repeat(windows, count, seed):
    draws = uniform_draws(windows, count, seed)
    assert draws.shape == (count,)
    assert draws.dtype == np.int64
    assert ((draws >= 0) & (draws < windows)).all()
    np.testing.assert_array_equal(draws, uniform_draws(windows, count, seed))


@given(st.integers(1, 2**40), st.integers(0, 3000), st.integers(0, 3000), SEEDS)
def test_a_shorter_draw_is_a_prefix(windows, count, more, seed):
    longer = uniform_draws(windows, count + more, seed)
    np.testing.assert_array_equal(uniform_draws(windows, count, seed), longer[:count])


@given(st.data())
def test_positions_are_distinct_and_ascend_and_the_first_windows_keep_theirs(data):
    context = data.draw(st.integers(1, 70))
    positions = data.draw(st.integers(1, context))
    count, more = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
    seed = data.draw(SEEDS)
    drawn = drawn_positions(count, positions, context, seed)
    assert drawn.shape == (count, positions)
    assert ((drawn >= 0) & (drawn < context)).all()
    assert (np.diff(drawn, axis=1) > 0).all()
    longer = drawn_positions(count + more, positions, context, seed)
    np.testing.assert_array_equal(drawn, longer[:count])
    wider = drawn_positions(count, data.draw(st.integers(positions, context)), context, seed)
    for few, many in zip(drawn, wider, strict=True):
        assert set(few) <= set(many)


def test_the_prefix_holds_beyond_one_block():
    drawn = drawn_positions(2500, 3, 16, seed=5)
    np.testing.assert_array_equal(drawn_positions(1030, 3, 16, seed=5), drawn[:1030])


@pytest.mark.parametrize("seed", range(3))
def test_windows_are_uniform_and_independent(seed):
    draws = uniform_draws(20, 40_000, seed)
    assert stats.chisquare(np.bincount(draws, minlength=20)).pvalue > 1e-4
    pairs = np.bincount(20 * draws[:-1:2] + draws[1::2], minlength=400)
    assert stats.chisquare(pairs).pvalue > 1e-4  # so each draw may repeat the one before
    assert len(np.unique(uniform_draws(1000, 1000, seed))) < 700  # with replacement


@pytest.mark.parametrize("seed", range(3))
def test_every_subset_of_positions_is_as_likely(seed):
    drawn = drawn_positions(30_000, 2, 6, seed)
    subsets, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(subsets) == 15
    assert stats.chisquare(counts).pvalue > 1e-4


def test_positions_do_not_depend_on_the_windows_drawn_by_the_same_seed():
    states = [_generator(purpose, 0, 3).bit_generator.state for purpose in (_WINDOWS, _POSITIONS)]
    assert states[0]["state"] != states[1]["state"]
    windows = uniform_draws(8, 40_000, seed=3)
    positions = drawn_positions(40_000, 1, 8, seed=3)[:, 0]
    table = np.histogram2d(windows, positions, bins=8)[0]
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_seeds_differ():
    assert (uniform_draws(10**6, 100, 0) != uniform_draws(10**6, 100, 1)).any()
    assert (drawn_positions(10, 5, 100, 0) != drawn_positions(10, 5, 100, 1)).any()


def test_all_positions_are_all():
    np.testing.assert_array_equal(drawn_positions(3, 7, 7, 0), np.tile(np.arange(7), (3, 1)))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="There are 0 windows"):
        uniform_draws(0, 5, 1)
    with pytest.raises(InputError, match="count=-1 and seed=1"):
        uniform_draws(3, -1, 1)
    with pytest.raises(InputError, match="seed=-2"):
        drawn_positions(3, 1, 4, -2)
    for positions in (0, 9):
        with pytest.raises(InputError, match=f"{positions} positions cannot be drawn"):
            drawn_positions(3, positions, 8, 1)
