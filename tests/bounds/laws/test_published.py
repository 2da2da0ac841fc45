"""The registry against the numbers that section 11 and the sources give."""

import numpy as np
import pytest

from bounds import power_law_information_nats
from bounds.laws.published import NON_EMBEDDING, PUBLISHED, TOTAL, published

BY_KEY = {law.key: law for law in PUBLISHED}


def at(key, n, d):
    return float(BY_KEY[key].value(np.float64(n), np.float64(d)))


def test_chinchilla_itself():
    """70 billion parameters, 1.4 trillion tokens: the loss that Hoffmann's law gives it."""
    assert at("hoffmann", 70e9, 1.4e12) == pytest.approx(1.69 + 0.0837 + 0.1633, abs=2e-3)
    assert at("besiroglu", 70e9, 1.4e12) == pytest.approx(
        at("besiroglu_optimum", 70e9, 1.4e12), abs=2e-3
    )


def test_kaplans_joint_law_tends_to_its_laws_of_one_variable():
    """Of another fit: 6.4e13 against 8.8e13 and 1.8e13 against 5.4e13 leave some per cent."""
    assert at("kaplan", 1e9, 1e30) == pytest.approx(at("kaplan_n", 1e9, 1), rel=0.03)
    assert at("kaplan", 1e30, 1e10) == pytest.approx((1.8e13 / 1e10) ** 0.103, rel=1e-9)
    assert at("kaplan_d", 1, 1e10) == pytest.approx((5.4e13 / 1e10) ** 0.095)


def test_where_the_papers_information_crosses_four_bits_a_parameter():
    n = (6e5 / 4) ** 2
    assert n == pytest.approx(2.25e10)
    assert at("finzi_information", n, 20 * n) == pytest.approx(4 * n)
    assert at("finzi_sigma", 1e30, 1) == pytest.approx(0.27)


def test_the_closed_form_is_that_of_the_same_law():
    expected = power_law_information_nats(2085.43, 0.3658, 2e10) / np.log(2)
    assert at("besiroglu_information", 1e9, 2e10) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("law", PUBLISHED, ids=lambda law: law.key)
def test_every_law_states_where_it_is_from_and_broadcasts(law):
    assert law.source
    assert law.parameters in (TOTAL, NON_EMBEDDING)
    assert 0 < law.smallest < law.largest
    n = np.geomspace(law.smallest, law.largest, 5)
    values = law.value(n, 20 * n)
    assert values.shape == (5,)
    assert np.all(values > 0)
    step = np.diff(values)
    assert np.all(step > 0) if law.quantity.endswith("_bits") else np.all(step < 0)
    assert law in published(law.quantity)


def test_reported_points_are_met_and_nothing_is_said_beyond_them():
    for size, bits in ((65e6, 1.92), (135e6, 1.72), (267e6, 1.62), (523e6, 1.43), (1e9, 1.25)):
        assert at("qiu_requential", size, 20 * size) == pytest.approx(bits * size)
    assert np.isnan(at("qiu_requential", 60e6, 1.2e9))
    assert np.isnan(at("qiu_requential", 1.1e9, 2.2e10))


def test_constants_as_their_sources_give_them():
    assert at("besiroglu", 1.0, 1.0) == pytest.approx(1.8172 + 482.01 + 2085.43)
    assert at("besiroglu", np.e, 1e300) - 1.8172 == pytest.approx(482.01 * np.exp(-0.3478))
    assert at("besiroglu", 1e300, np.e) - 1.8172 == pytest.approx(2085.43 * np.exp(-0.3658))
    assert at("hoffmann", np.e, np.e) == pytest.approx(
        1.69 + 406.4 * np.exp(-0.34) + 410.7 * np.exp(-0.28)
    )
    assert at("finzi_sigma", 1.0, 1.0) == pytest.approx(8337.27)
    assert at("finzi_sigma", np.e, 1.0) == pytest.approx(0.27 + 8337 * np.exp(-0.54))


def test_a_law_covers_only_the_models_it_was_fitted_to():
    hoffmann, information = BY_KEY["hoffmann"], BY_KEY["finzi_information"]
    assert hoffmann.covers(1e9, 2e10)
    assert not hoffmann.covers(1e9, 1e13)
    assert not hoffmann.covers(1e6, 2e10)
    assert information.covers(1e9, 2e10)
    assert not information.covers(1e9, 2e11)  # far off the frontier
    assert list(hoffmann.covers(np.array([1e9, 1e12]), 2e10)) == [True, False]


def test_ranges_as_their_sources_give_them():
    for key in ("besiroglu", "besiroglu_optimum", "besiroglu_information"):
        law = BY_KEY[key]
        assert (law.smallest, law.largest, law.tokens) == (5.73e7, 1.62e10, (8.19e8, 3.18e11))
        assert law.covers(5.73e7, 8.19e8)
        assert not law.covers(1e9, 4e11)  # though Hoffmann's abstract says up to 500 billion
    for key in ("kaplan", "kaplan_n", "kaplan_d"):
        law = BY_KEY[key]
        assert (law.smallest, law.largest, law.tokens) == (768, 1.5e9, (2.2e7, 2.3e10))
    hoffmann = BY_KEY["hoffmann"]
    assert (hoffmann.smallest, hoffmann.largest, hoffmann.tokens) == (7e7, 1.6e10, (5e9, 5e11))


def test_keys_are_unique():
    assert len(BY_KEY) == len(PUBLISHED)
