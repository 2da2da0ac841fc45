"""How much is measured of every model of a suite of published ones, and how thoroughly."""

from dataclasses import dataclass, replace

from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.curvature_point import CurvaturePoint

#: Seeds of what is drawn, one per purpose: the same windows for every setting of a model.
DRAW_SEEDS = {"train": 21, "selection": 22, "heldout": 23}
POSITION_SEEDS = {"train": 31, "selection": 32, "heldout": 33}


@dataclass(frozen=True)
class Effort:
    """Sampled windows and settings.

    Attributes:
        train_draws: training windows that are evaluated, drawn independently with replacement.
        selection_draws: others, on which the bound's parameters are chosen.
        heldout_draws: windows that the model was not trained on, at most.
        positions: predictions drawn inside each window.
        calibration_windows: training windows that quantizers look at.
        chain_windows: windows that each earlier checkpoint is scored on.
        settings: how models are quantized.
        curvature: what is measured of their curvature.
    """

    train_draws: int
    selection_draws: int
    heldout_draws: int
    positions: int
    calibration_windows: int
    chain_windows: int
    settings: tuple[Setting, ...]
    curvature: tuple[CurvaturePoint, ...] = ()

    def __post_init__(self) -> None:
        least = dict.fromkeys(("train_draws", "selection_draws", "heldout_draws"), 2)
        least |= {"positions": 1, "calibration_windows": 1, "chain_windows": 2}
        for name, limit in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < limit:
                raise ValueError(f"{name}={value!r} must be a whole number of at least {limit}")

    def draws(self, split: str) -> int:
        """Windows drawn of a split."""
        return getattr(self, f"{split}_draws")

    def changed(
        self,
        *,
        settings: tuple[Setting, ...] = (),
        windows: int | None = None,
        positions: int | None = None,
        calibration: int | None = None,
    ) -> "Effort":
        """This effort with other numbers; what is not given stays.

        Args:
            settings: how models are quantized.  Curvature is measured at those alone.
            windows: training windows that are evaluated; those of the other draws are at most
                as many.
            positions: predictions drawn inside each window.
            calibration: windows that quantizers look at.

        Raises:
            InputError: a number is too small.
        """
        least = {"windows": (windows, 2), "positions": (positions, 1)}
        least |= {"calibration": (calibration, 1)}
        for name, (value, limit) in least.items():
            if value is not None and value < limit:
                raise InputError(f"--{name} must be at least {limit}, not {value}.")
        changes: dict = {}
        if settings:
            as_it_comes = tuple(s for s in self.settings if s.quantizer == "gguf")
            settings = (*settings[:1], *as_it_comes, *settings[1:])
            points = [p for p in self.curvature if p.setting in (UNQUANTIZED, *settings)]
            changes |= {"settings": settings, "curvature": tuple(points)}
        if windows is not None:
            others = ("selection_draws", "heldout_draws", "chain_windows")
            changes |= {name: min(getattr(self, name), windows) for name in others}
            changes["train_draws"] = windows
        if positions is not None:
            changes["positions"] = positions
        if calibration is not None:
            changes["calibration_windows"] = calibration
        return replace(self, **changes)

    @property
    def sampling_identity(self) -> dict:
        """Everything that determines which tokens are scored, but for the text."""
        return {
            "draws": {split: [self.draws(split), seed] for split, seed in DRAW_SEEDS.items()},
            "positions": [self.positions, POSITION_SEEDS],
        }
