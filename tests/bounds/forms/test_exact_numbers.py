"""Form (3) and what it is made of against 450-digit arithmetic, where floats cancel."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import Control, TokenLosses, geometric_bound
from bounds.losses.smoothing import log_slack_below_range, loss_range_nats, smooth_losses_nats

#: Digits of the reference: exp(-800) takes 348 of them.
DIGITS = 450


def exact_form_3(losses: TokenLosses, control: Control, vocab_size: int, c: float) -> Decimal:
    """mean W - exp(mean ln(W - X^s) - C), every step in ``DIGITS`` digits.

    Takes W - Delta in float64, as the control is a float64 function: it is part of what is chosen.
    """
    with localcontext() as context:
        context.prec = DIGITS
        alpha, v = Decimal(control.alpha), Decimal(vocab_size)
        delta = (v / alpha).ln()
        margins = control.margin(losses.entropy_nats, loss_range_nats(control.alpha, vocab_size))
        total, mean_w, mean_log = Decimal(0), Decimal(0), Decimal(0)
        rows = zip(losses.loss_nats, margins, losses.tokens, strict=True)
        for loss, margin, tokens in rows:
            mixed = -((1 - alpha) * (-Decimal(float(loss))).exp() + alpha / v).ln()
            w, count = delta + Decimal(float(margin)), Decimal(float(tokens))
            total += count
            mean_w += count * w
            mean_log += count * (w - mixed).ln()
        return mean_w / total - (mean_log / total - Decimal(c)).exp()


def float_form_3(losses: TokenLosses, control: Control, vocab_size: int, c: float) -> float:
    """``geometric_bound`` at a code that gives just this C."""
    tokens = int(losses.total_tokens)
    delta = 0.5
    code_bits = (c * tokens - math.log(1 / delta)) / math.log(2)
    got = geometric_bound(
        1.0,
        losses,
        control,
        code_bits=code_bits,
        train_tokens=tokens,
        vocab_size=vocab_size,
        failure_probability=delta,
    )
    assert got.complexity_per_token.total_nats == pytest.approx(c, rel=1e-12)
    return got.total_nats


def difference_form_3(losses: TokenLosses, alpha: float, vocab_size: int, c: float) -> float:
    """The same at W = Delta with Z as a difference, which cancels."""
    delta = loss_range_nats(alpha, vocab_size)
    slack = delta - smooth_losses_nats(losses.loss_nats, alpha, vocab_size)
    return delta - math.exp(losses.mean(np.log(np.maximum(slack, 1e-300))) - c)


@pytest.mark.parametrize("far", [30.0, 36.0, 40.0, 42.3, 42.95, 60.0, 300.0, 800.0])
@pytest.mark.parametrize("usual", [0.0, 1.27, 3.0])
def test_a_hundredth_of_the_losses_far_out(far, usual):
    """V = 256, alpha = 0.06 (section 5): one in a hundred losses so large that Z is far below an
    ulp of Delta."""
    losses = TokenLosses(np.array([usual, far]), np.array([1.0, 1.0]), np.array([9900.0, 100.0]))
    control, c = Control(0.06, 1.0, 0.0), 0.1
    got = float_form_3(losses, control, 256, c)
    assert got == pytest.approx(float(exact_form_3(losses, control, 256, c)), abs=1e-11)


def test_as_a_difference_the_bound_would_come_out_too_small():
    """What the right way of computing is for: at such losses a difference of two numbers near Delta
    has no correct digit, and errs to the unsafe side."""
    worst = 0.0
    for far in np.linspace(38.0, 43.5, 61):
        losses = TokenLosses(np.array([1.27, far]), np.ones(2), np.array([9900.0, 100.0]))
        exact = float(exact_form_3(losses, Control(0.06, 1.0, 0.0), 256, 0.1))
        worst = max(worst, exact - difference_form_3(losses, 0.06, 256, 0.1))
        assert float_form_3(losses, Control(0.06, 1.0, 0.0), 256, 0.1) >= exact - 1e-11
    assert worst > 0.03


@given(
    rows=st.lists(
        st.tuples(st.floats(0, 700), st.floats(0, 12), st.integers(1, 1000)), min_size=1, max_size=8
    ),
    alpha=st.floats(2.0**-20, 1 - 2.0**-20),
    offset=st.sampled_from([0.25, 0.99, 1.0, 1.0 + 1e-12, 1.3, 64.0]),
    slope=st.sampled_from([0.0, 1.0, 3.9375]),
    vocab_size=st.sampled_from([2, 256, 50_304, 262_144]),
    c=st.floats(1e-3, 3.0),
)
def test_it_agrees_with_many_digits(rows, alpha, offset, slope, vocab_size, c):
    loss, entropy, tokens = map(np.array, zip(*rows, strict=True))
    losses, control = TokenLosses(loss, entropy, tokens), Control(alpha, offset, slope)
    got = float_form_3(losses, control, vocab_size, max(c, 1.0 / losses.total_tokens))
    exact = float(exact_form_3(losses, control, vocab_size, max(c, 1.0 / losses.total_tokens)))
    assert got == pytest.approx(exact, rel=1e-11, abs=1e-11)


@given(
    loss=st.floats(0, 650),
    alpha=st.floats(2.0**-20, 1 - 2.0**-20),
    vocab_size=st.sampled_from([2, 256, 262_144]),
)
def test_the_slack_has_all_its_digits(loss, alpha, vocab_size):
    with localcontext() as context:
        context.prec = DIGITS
        a, v = Decimal(alpha), Decimal(vocab_size)
        exact = (1 + (1 - a) * v * (-Decimal(loss)).exp() / a).ln()
        log_exact = float(exact.ln())
    t = float(log_slack_below_range(np.array([loss]), alpha, vocab_size)[0])
    assert float(np.log(np.logaddexp(0.0, t))) == pytest.approx(log_exact, rel=1e-10, abs=1e-11)
