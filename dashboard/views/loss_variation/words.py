"""The words of the page *Loss variation*."""

from dashboard.artifacts.settings import Setting
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.drawing import show


def introduction(sampled: bool) -> None:
    """What Sigma is, and what becomes of it where only a sample was scored."""
    show.markdown(
        r"The paper's bound pays $\Sigma\sqrt{C}$ for the chance that the training losses came out "
        r"low by luck. $\Sigma$ is small where each loss $X$ stays near what the model itself "
        r"expected, the entropy $H$ of its prediction."
    )
    if sampled:
        show.caption(
            "Only sampled windows of this suite were scored. $\\Sigma$ below takes them for the "
            "whole training text: it shows what loss variation is like, and certifies nothing. "
            "What is certified is the sampled form of the *Bound explorer*, whose term *loss "
            "variation* is the mean of its summand less that of the smoothed losses."
        )


def scored(sampled: bool) -> str:
    """What losses are of."""
    return "sampled windows" if sampled else "all training tokens"


def sigma_reading(setting: Setting, code: str) -> None:
    """What this Sigma depends on."""
    show.caption(
        f"Σ is that of the paper's form at {setting.label}, code length "
        f"{CODE_LABELS[code]}; it depends on C too, so it moves with every control."
    )


def joint_reading() -> None:
    """How to read the plane of loss and entropy."""
    show.caption(
        "On the dashed line a token costs exactly what the model expected. How far the squares lie "
        "from it, weighted by their share, is what Σ measures. Losses above 10 nats are not drawn; "
        "both axes are in nats per token, as Σ is."
    )


def objective_reading() -> None:
    """What is minimised."""
    show.caption(
        r"$\Delta\sqrt{C}\,(1-s)/s + (\Delta/\sqrt{C})\,\overline{v(sA)}/s$. A long code pushes "
        "the minimiser (dot) to the upper end of the grid, a short one towards the lower."
    )


def grid_reading() -> None:
    """What the number of points costs and gains."""
    show.caption(
        r"More points come closer to the best $s$, and cost $\ln|K|/D$ in $C$. The curve is flat "
        "from about a thousand points on, and a million would still be cheap."
    )
