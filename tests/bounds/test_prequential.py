import numpy as np
import pytest
from scipy.integrate import quad

from bounds import prequential_information_nats


def test_a_step_function_by_hand():
    # 10 tokens at 3 nats and 30 at 2, against 1.5: 10*1.5 + 30*0.5.
    got = prequential_information_nats(np.array([10, 40]), np.array([3.0, 2.0]), 1.5)
    assert got == pytest.approx(30.0)


def test_a_chinchilla_curve_approaches_its_closed_form():
    b, beta, d = 400.0, 0.3, 10**6
    seen = np.arange(100, d + 1, 100)
    mean_loss = np.array(
        [quad(lambda t: 2 + b * t**-beta, s - 100, s)[0] / 100 for s in (100, 200)]
    )
    assert mean_loss[0] > mean_loss[1]
    online = 2 + b * ((seen ** (1 - beta) - (seen - 100) ** (1 - beta)) / (1 - beta)) / 100
    assert online[:2] == pytest.approx(mean_loss, rel=1e-6)
    got = prequential_information_nats(seen, online, 2 + b * d**-beta)
    assert got == pytest.approx(b * beta / (1 - beta) * d ** (1 - beta), rel=1e-9)


@pytest.mark.parametrize(
    ("seen", "loss"), [([10, 10], [1.0, 1.0]), ([0, 10], [1.0, 1.0]), ([10], [1.0, 2.0]), ([], [])]
)
def test_bad_trajectories_are_refused(seen, loss):
    with pytest.raises(ValueError, match="tokens_seen"):
        prequential_information_nats(np.array(seen), np.array(loss), 1.0)
