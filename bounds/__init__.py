"""The mathematics of the generalization bounds: pure functions of float64 arrays.

This package reads no files, contains no models and does not import torch.  Section numbers in
docstrings refer to docs/THEORY.md; "the paper" is Finzi et al., "Compute-Optimal LLMs
Provably Generalize Better With Scale" (ICLR 2025).  The public interface:
"""

from bounds.codes.complexity import Complexity, complexity, nominal_bits, shortest_code_bits
from bounds.codes.prequential import (
    checkpoint_information_nats,
    power_law_information_nats,
    prequential_information_nats,
)
from bounds.forms import FORMS
from bounds.forms.four_term import four_term_bound
from bounds.forms.geometric import Control, ControlGrid, chosen_geometric_bound, geometric_bound
from bounds.forms.measured import measured_smoothing_bound
from bounds.forms.result import RiskBound
from bounds.forms.shared.martingale import LossVariation, loss_variation, s_grid
from bounds.laws.loss.law import LossLaw
from bounds.laws.loss.surface import LossLawFit, fit_loss_law
from bounds.laws.power_law import HeldOut, PowerLaw, fit_power_law, predict_largest
from bounds.laws.unfittable import UnfittableError
from bounds.losses.histogram import LossBins, bin_losses
from bounds.losses.smoothing import (
    loss_range_nats,
    smooth_losses_nats,
    smoothed,
    smoothing_cost_nats,
    smoothing_weight,
)
from bounds.losses.token_losses import TokenLosses

__all__ = [
    "FORMS",
    "Complexity",
    "Control",
    "ControlGrid",
    "HeldOut",
    "LossBins",
    "LossLaw",
    "LossLawFit",
    "LossVariation",
    "PowerLaw",
    "RiskBound",
    "TokenLosses",
    "UnfittableError",
    "bin_losses",
    "checkpoint_information_nats",
    "chosen_geometric_bound",
    "complexity",
    "fit_loss_law",
    "fit_power_law",
    "four_term_bound",
    "geometric_bound",
    "loss_range_nats",
    "loss_variation",
    "measured_smoothing_bound",
    "nominal_bits",
    "power_law_information_nats",
    "predict_largest",
    "prequential_information_nats",
    "s_grid",
    "shortest_code_bits",
    "smooth_losses_nats",
    "smoothed",
    "smoothing_cost_nats",
    "smoothing_weight",
]
