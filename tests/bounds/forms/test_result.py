"""What every form of the bound returns."""

import numpy as np
import pytest

from bounds import FORMS, LossBins, TokenLosses, bin_losses


@pytest.mark.parametrize("form", FORMS)
def test_a_gap_counted_from_exact_means_moves_the_rounding_into_the_smoothing(form):
    """Losses of 0.5, 1.5 and 4 nats, whose mean is 1.6 nats, are rounded up into bins."""
    losses = np.repeat([0.5, 1.5, 4.0], [400, 400, 200])
    cells = bin_losses(TokenLosses.of_tokens(losses, np.full(1000, 1.0)))
    edges = LossBins().upper_edges(LossBins().loss_bins(np.array([0.5, 1.5, 4.0])))
    rounding = edges @ [0.4, 0.4, 0.2] - 1.6
    assert rounding > 0
    binned = FORMS[form](
        1.55,
        cells,
        code_bits=150.0,
        train_tokens=1000,
        vocab_size=256,
        failure_probability=0.05,
    )
    exact = binned.counted_from(1.5, 1.6)
    assert exact.total_nats == binned.total_nats
    assert exact.training_loss_nats == 1.5
    assert exact.quantization_gap_nats == pytest.approx(0.1, abs=1e-12)
    assert exact.smoothing_nats - binned.smoothing_nats == pytest.approx(rounding, abs=1e-12)
    assert exact.gap_nats == pytest.approx(binned.total_nats - 1.5, abs=1e-12)
    assert exact.gap_nats == pytest.approx(
        exact.complexity_nats
        + exact.loss_variation_nats
        + exact.smoothing_nats
        + exact.quantization_gap_nats
    )
