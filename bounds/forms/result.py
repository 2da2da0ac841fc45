"""The result of every form of the bound: a total and the addends that make it up."""

from dataclasses import dataclass, field, replace

from bounds.complexity import Complexity
from bounds.token_losses import TokenLosses


@dataclass(frozen=True)
class RiskBound:
    """R(h_qs) <= total, with probability at least 1 - delta; all in nats per token.

    R is the expected loss, on a fresh next token in every training context, of the smoothed
    quantized model.  The addends are the four terms of the paper (Theorem 3.4) or what takes
    their place in another form, so that any two forms can be stacked side by side.

    Attributes:
        form: name of the inequality, a key of ``bounds.forms.FORMS`` where it is listed.
        total_nats: the bound, computed without the training loss; the addends sum to it up to
            rounding.
        training_loss_nats: R_hat(h) of the unquantized model.
        complexity_nats: what would vanish if the code had no length.
        loss_variation_nats: what would vanish if every loss met its control variate.
        smoothing_nats: what smoothing adds to the training loss, or the paper's ceiling for it;
            after ``counted_from`` also what rounding losses up into bins adds.
        quantization_gap_nats: R_hat(h_q) - R_hat(h); may be negative.
        sampling_nats: for evaluating a sample of windows; 0 where all of D was evaluated.
        training_loss_se_nats: standard error of ``training_loss_nats``, and so of the gap; 0 where
            all of D was scored.  A gap with an error is an estimate, whatever the total is.
        complexity_per_token: C and its shares.
        alpha: smoothing weight.
        loss_range_nats: Delta = ln(V/alpha).
        parameters: what else the form chose or computed, by name (``s``, ``sigma_nats``, ...).
    """

    form: str
    total_nats: float
    training_loss_nats: float
    complexity_nats: float
    loss_variation_nats: float
    smoothing_nats: float
    quantization_gap_nats: float
    complexity_per_token: Complexity
    alpha: float
    loss_range_nats: float
    sampling_nats: float = 0.0
    training_loss_se_nats: float = 0.0
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def gap_nats(self) -> float:
        """The bound less the training loss of the unquantized model."""
        return self.total_nats - self.training_loss_nats

    def counted_from(self, training_loss_nats: float, quantized_loss_nats: float) -> "RiskBound":
        """The same bound, its gap counted from exact mean losses where the form saw binned ones.

        The total stays: it is what is certified.  The quantization gap becomes the difference of
        two exact means, and what rounding up into bins added to the mean goes to the smoothing,
        which the losses that were rounded enter (section 6).

        Args:
            training_loss_nats: R_hat(h), exact.
            quantized_loss_nats: R_hat(h_q), exact, over the same tokens as the losses of the form.
        """
        binned = self.training_loss_nats + self.quantization_gap_nats
        return replace(
            self,
            training_loss_nats=training_loss_nats,
            quantization_gap_nats=quantized_loss_nats - training_loss_nats,
            smoothing_nats=self.smoothing_nats + (binned - quantized_loss_nats),
        )


def require_every_token(losses: TokenLosses, train_tokens: int) -> None:
    """Raise ValueError unless ``losses`` cover all D training tokens, each once."""
    if losses.total_tokens != train_tokens:
        raise ValueError(
            f"the losses cover {losses.total_tokens:.0f} tokens, but the training set has "
            f"{train_tokens}; this form needs every training token"
        )
