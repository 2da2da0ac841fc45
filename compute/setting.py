"""A setting: one way of quantizing a model, the columns of ``schema.SETTING_FIELDS``."""

from dataclasses import asdict, dataclass

import schema


@dataclass(frozen=True)
class Setting:
    """Quantizer and its parameters; None where a parameter does not apply."""

    quantizer: str
    bits: int | None = None
    group_size: int | None = None
    step: float | None = None
    quantizer_seed: int | None = None

    def __post_init__(self) -> None:
        if self.quantizer not in schema.QUANTIZERS:
            raise ValueError(
                f"quantizer={self.quantizer!r} is not one of {', '.join(schema.QUANTIZERS)}"
            )
        if self.bits is not None and not 1 <= self.bits <= 32:
            raise ValueError(f"bits={self.bits} must lie between 1 and 32")

    @property
    def columns(self) -> dict:
        """Column name -> value."""
        return asdict(self)

    @property
    def slug(self) -> str:
        """Short name for files, for example ``rtn-b4-g64``."""
        parts = [("b", self.bits), ("g", self.group_size), ("step", self.step)]
        parts += [("seed", self.quantizer_seed)]
        return "-".join([self.quantizer, *(f"{k}{v}" for k, v in parts if v is not None)])


#: The trained model itself, every tensor in float32.
UNQUANTIZED = Setting("none", bits=32)
