"""The result of every form of the bound: a total and its addends."""

from dataclasses import dataclass, field, replace

from bounds.codes.complexity import Complexity
from bounds.losses.token_losses import TokenLosses


@dataclass(frozen=True)
class RiskBound:
    """R(h_qs) <= total, with probability at least 1 - delta; all in nats per token.

    R is the expected loss of the smoothed quantized model, on a newly drawn next token in every
    training context.  The addends are the four terms of the paper (Theorem 3.4) or their
    counterparts in another form, so that any two forms can be stacked side by side.

    Attributes:
        form: name of the inequality, a key of ``bounds.forms.FORMS`` where it is listed.
        total_nats: the bound, computed without the training loss; the addends sum to it up to
            rounding.
        training_loss_nats: R_hat(h) of the unquantized model.
        complexity_nats: the part that would vanish if the code had no length.
        loss_variation_nats: the part that would vanish if every loss equalled its control variate.
        smoothing_nats: increase of the training loss by smoothing, or the paper's upper bound on
            it; after ``counted_from`` also the increase by rounding losses up into bins.
        quantization_gap_nats: R_hat(h_q) - R_hat(h); may be negative.
        sampling_nats: for evaluating a sample of windows; 0 where all of D was evaluated.
        training_loss_se_nats: standard error of ``training_loss_nats``, and so of the gap; 0 where
            all of D was scored.  A gap with an error is an estimate, even if the total is
            certified.
        complexity_per_token: C and its shares.
        alpha: smoothing weight.
        loss_range_nats: Delta = ln(V/alpha).
        parameters: further choices or results of the form, by name (``s``, ``sigma_nats``, ...).
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
        """The bound minus the training loss of the unquantized model."""
        return self.total_nats - self.training_loss_nats

    def counted_from(self, training_loss_nats: float, quantized_loss_nats: float) -> "RiskBound":
        """The same bound with its gap counted from exact mean losses instead of binned ones.

        The certified total does not change.  The quantization gap becomes the difference of
        two exact means, and the increase of the mean by rounding up into bins is added to the
        smoothing, which uses the rounded losses (section 6).

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
