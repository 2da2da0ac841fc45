"""The text of the page *Loss variation*."""

from dashboard.ui.drawing import show


def introduction(sampled: bool) -> None:
    """Definition of Sigma, and its meaning if only a sample was scored."""
    show.markdown(
        r"The term $\Sigma\sqrt{C}$ of the paper's bound covers training losses that are low by "
        r"chance. $\Sigma$ is small if each loss $X$ is near the entropy $H$ of the model's "
        "prediction, the loss that the model itself expected."
    )
    if sampled:
        show.caption(
            "Only sampled windows of this suite were scored. $\\Sigma$ below treats them as the "
            "whole training text: it illustrates loss variation and certifies nothing. The "
            "sampled form of the *Bound explorer* is certified. Its term *loss variation* is the "
            "mean of its summand minus that of the smoothed losses."
        )


def scored(sampled: bool) -> str:
    """The tokens of the losses."""
    return "sampled windows" if sampled else "all training tokens"


def sigma_reading() -> None:
    """The choices that this Sigma depends on."""
    show.caption("Σ is that of the paper's form. It depends on C too, so every control changes it.")


def joint_reading() -> None:
    """How to read the plane of loss and entropy."""
    show.caption(
        "On the dashed line the loss of a token equals the expectation of the model. Σ measures "
        "the distance of the squares from it, weighted by their share. Losses above 10 nats are "
        "not drawn; both axes are in nats per token, like Σ."
    )


def objective_reading() -> None:
    """The objective."""
    show.caption(
        r"$\Delta\sqrt{C}\,(1-s)/s + (\Delta/\sqrt{C})\,\overline{v(sA)}/s$. A long code moves "
        "the minimum (dot) to the upper end of the grid, a short one towards the lower."
    )


def grid_reading() -> None:
    """Cost and benefit of the number of points."""
    show.caption(
        r"More points come closer to the best $s$, and add $\ln|K|/D$ to $C$. The curve is flat "
        "from about a thousand points on, and even a million would cost little."
    )
