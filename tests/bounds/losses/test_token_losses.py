import numpy as np
import pytest

from bounds import TokenLosses


@pytest.mark.parametrize(
    ("loss", "entropy", "tokens", "message"),
    [
        ([np.nan], [1.0], [1], "loss_nats holds nan"),
        ([np.inf], [1.0], [1], "loss_nats holds inf"),
        ([1.0], [-0.5], [1], "entropy_nats holds -0.5"),
        ([1.0], [1.0], [0], "tokens must be"),
        ([], [], [], "empty"),
        ([1.0, 2.0], [1.0], [1, 1], "same length"),
        ([[1.0]], [[1.0]], [[1]], "one dimension"),
    ],
)
def test_bad_losses_are_named(loss, entropy, tokens, message):
    with pytest.raises(ValueError, match=message):
        TokenLosses(np.array(loss), np.array(entropy), np.array(tokens))


def test_the_mean_weighs_by_tokens():
    assert TokenLosses(
        np.array([1.0, 3.0]), np.zeros(2), np.array([3, 1])
    ).mean_loss_nats == pytest.approx(1.5)
