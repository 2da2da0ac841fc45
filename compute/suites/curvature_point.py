"""What is measured of a model's curvature, as a row of a suite's file asks for it."""

from dataclasses import asdict, dataclass, field

from compute.base.setting import UNQUANTIZED, Setting
from schema import MATRICES, MATRIX_PARAMETERS


@dataclass(frozen=True)
class CurvaturePoint:
    """One matrix of one state of a model on so many windows.

    Attributes:
        matrix: one of ``schema.MATRICES``.
        parameters: one of ``schema.MATRIX_PARAMETERS``; those left out are held fixed.
        train_fraction: share of its training that the model has had.
        setting: how it was quantized.
        windows: of its training text; those of a smaller number are among those of a larger one.
        probes: random starting vectors of Lanczos.
        steps: of Lanczos, for each.
        tests: vectors of XTrace.
    """

    matrix: str = "hessian"
    parameters: str = "all"
    train_fraction: float = 1.0
    setting: Setting = field(default=UNQUANTIZED)
    windows: int = 32
    probes: int = 4
    steps: int = 30
    tests: int = 4

    def __post_init__(self) -> None:
        if self.matrix not in MATRICES:
            raise ValueError(f"matrix={self.matrix!r} is not one of {', '.join(MATRICES)}")
        if self.parameters not in MATRIX_PARAMETERS:
            raise ValueError(
                f"parameters={self.parameters!r} is not one of {', '.join(MATRIX_PARAMETERS)}"
            )
        if not 0 < self.train_fraction <= 1:
            raise ValueError(f"train_fraction={self.train_fraction} does not lie in (0, 1]")
        if self.train_fraction < 1 and self.setting != UNQUANTIZED:
            raise ValueError(
                f"only the fully trained model is quantized, and train_fraction="
                f"{self.train_fraction} is asked for at {self.setting.slug}"
            )
        object.__setattr__(self, "train_fraction", float(self.train_fraction))
        least = {"windows": 1, "probes": 2, "steps": 2, "tests": 3}
        for name, limit in least.items():
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name}={getattr(self, name)!r} is no whole number")
            if getattr(self, name) < limit:
                raise ValueError(f"{name}={getattr(self, name)} is less than {limit}")

    @property
    def products(self) -> int:
        """Products of the matrix with a vector."""
        return self.probes * self.steps + 2 * self.tests

    @property
    def variant(self) -> str:
        """For names of files: ``hessian-all-f1-w32-p4-s30``; the setting is not part of it."""
        return (
            f"{self.matrix}-{self.parameters}-f{self.train_fraction:g}-w{self.windows}"
            f"-p{self.probes}-s{self.steps}"
        )

    @property
    def identity(self) -> dict:
        """Everything that determines the result but for the model and the seeds."""
        return {k: v for k, v in asdict(self).items() if k != "setting"}
