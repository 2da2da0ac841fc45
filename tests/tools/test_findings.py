"""Verdicts of the figures in cases made for each of their answers."""

import numpy as np
import pandas as pd
import pytest

from bounds import fit_power_law
from bounds.laws.learning_rate import BestRate, best_rate
from tools.results import sweep
from tools.results.figures import figure_1, figure_2, figure_3, figure_4
from tools.results.sections import learning_rate, limits, loss_law
from tools.results.words import Finding, Verdict

SIZES = np.array([29152.0, 52944, 132864, 274640, 496704])
WIGGLE = np.array([1, -1, 0.5, -0.5, 0.2])


def pairs(differences: list[float], error: float) -> pd.DataFrame:
    return pd.DataFrame({"difference": differences, "error": error})


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (pairs([0.2, 0.1, 0.3], 0.01), Verdict.AGREES),
        (pairs([0.2, 0.001, 0.3], 0.01), Verdict.OPEN),
        (pairs([-0.2, -0.1, 0.3], 0.01), Verdict.DIFFERS),
        (pairs([], 0.01), Verdict.OPEN),
    ],
)
def test_the_frontier_is_confirmed_by_every_pair_or_not_at_all(found, verdict):
    assert figure_1._frontier(found).verdict is verdict


@pytest.mark.parametrize(
    ("exponent", "noise", "verdict", "words"),
    [
        (0.5, 0.01, Verdict.AGREES, "more slowly than the model, as fast as there"),
        (0.8, 0.01, Verdict.AGREES, "more slowly than the model."),
        (1.3, 0.01, Verdict.DIFFERS, "faster than the model"),
        (1.0, 0.2, Verdict.OPEN, "undetermined"),
    ],
)
def test_how_information_grows(exponent, noise, verdict, words):
    law = fit_power_law(SIZES, SIZES**exponent * np.exp(noise * WIGGLE))
    found = figure_3._sublinear(law)
    assert found.verdict is verdict
    assert words in found.text


def codes(exponent: float, times: float) -> pd.DataFrame:
    frames = [
        pd.DataFrame({"params_total": SIZES, "code": code, "total_bits": bits})
        for code, bits in (
            ("prequential", times * SIZES**exponent * np.exp(0.01 * WIGGLE)),
            ("nominal", 4 * SIZES * np.exp(0.001 * WIGGLE)),
        )
    ]
    return pd.concat(frames)


@pytest.mark.parametrize(
    ("exponent", "times", "verdict", "words"),
    [
        (0.5, 6e5, Verdict.OPEN, "the laws would meet at"),
        (1.2, 12.0, Verdict.DIFFERS, "do not meet beyond these sizes"),
        (0.5, 1.0, Verdict.AGREES, "is below already"),
    ],
)
def test_where_information_meets_the_quantized_size(exponent, times, verdict, words):
    found = figure_3._crossing(codes(exponent, times))
    assert found.verdict is verdict
    assert words in found.text


def test_a_bound_above_a_uniform_guess_is_named():
    terms = pd.DataFrame({"model_id": ["a", "b"], "total_nats": [6.0, 4.0], "vocab_size": 256})
    found = figure_2._not_empty(terms)
    assert found.verdict is Verdict.DIFFERS
    assert "1 of 2 models" in found.text
    assert "a is above" in found.short


def test_evenness_is_not_called_falling_where_the_two_rules_disagree():
    points = pd.DataFrame({"params_total": SIZES, "evenness": SIZES**-0.3})
    agreeing = points.assign(evenness_top=SIZES**-0.2)
    assert figure_4._evenness(agreeing).verdict is Verdict.AGREES
    disagreeing = points.assign(evenness_top=SIZES**0.2)
    assert figure_4._evenness(disagreeing).verdict is Verdict.OPEN


def rates(best: dict[int, float]) -> dict[int, BestRate | str]:
    tried = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])
    return {n: best_rate(tried, 2 + np.log(tried / at) ** 2) for n, at in best.items()}


@pytest.mark.parametrize(
    ("best", "words"),
    [
        ({10_000: 0.02, 100_000: 0.011, 1_000_000: 0.006}, "It falls with size: "),
        ({10_000: 0.006, 100_000: 0.011, 1_000_000: 0.02}, "It rises with size: "),
        ({10_000: 0.02, 100_000: 0.006, 1_000_000: 0.02}, "It shows no clear trend: "),
        ({10_000: 0.02, 100_000: 0.01}, "There is no rule: "),
        ({10_000: 0.02, 100_000: 0.001}, "At 100k there is no minimum between"),
    ],
)
def test_the_rule_for_the_learning_rate_is_worded_by_its_interval(best, words):
    found = rates(best)
    assert words in learning_rate.rule_text(found, sweep.rule(found))


def test_a_size_at_which_every_run_diverged_has_a_reason_in_place_of_a_rate():
    rows = pd.DataFrame(
        {
            "params_total": 1000,
            "learning_rate": [0.1, 0.2, 0.4],
            "fresh_loss_nats": np.nan,
            "fresh_loss_se_nats": np.nan,
        }
    )
    assert "diverged at every rate" in str(sweep.optima(sweep.by_rate(rows))[1000])


def test_what_failed_and_what_stays_open_is_listed(seeded_ladder):
    findings = [
        Finding(Verdict.AGREES, "a"),
        Finding(Verdict.DIFFERS, "b", "that pigs fly"),
        Finding(Verdict.OPEN, "c", "whether they could"),
    ]
    text = limits.section(seeded_ladder, findings).text
    failed, unclear = text.index("- That pigs fly."), text.index("- Whether they could.")
    assert text.index("Does not hold") < failed < text.index("Undetermined:") < unclear


@pytest.mark.parametrize(("factor", "words"), [(1.0, "inside"), (3.0, "**outside**")])
def test_the_largest_size_is_said_to_lie_where_it_lies(seeded_ladder, factor, words):
    models = seeded_ladder.models.assign(
        train_loss_nats=lambda f: 40 * f["params_total"] ** -0.25 * (1 + 1e-3 * (f.index % 2))
    )
    largest = models["params_total"] == models["params_total"].max()
    models.loc[largest, "train_loss_nats"] *= factor
    changed = type(seeded_ladder)(seeded_ladder.suite, seeded_ladder.data_dir)
    changed.__dict__["models"] = models  # in place of what is read from the suite
    part = loss_law.section(changed)
    sentence = part.text[part.text.index("The largest size") :]
    assert words in sentence
    assert bool(part.findings) is (factor != 1.0)
    assert ("does **not** fall" in part.text) is (factor != 1.0)
