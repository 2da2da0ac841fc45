"""A setting: one way of quantizing a model, the columns of ``schema.SETTING_FIELDS``."""

from dataclasses import asdict, dataclass

import schema

#: Parameters of each quantizer; it requires all but the group size.
_CLIPPED = ("bits", "group_size")
_PARAMETERS = {
    "none": ("bits",),
    "cast": ("bits",),
    "rtn": _CLIPPED,
    "gptq": _CLIPPED,
    "gptq_actorder": _CLIPPED,
    "ldlq": _CLIPPED,
    "ldlq_rotated": (*_CLIPPED, "quantizer_seed"),
    "gptq_step": ("step",),
    "gguf": ("bits",),
    "watersic": ("step",),
    "watersic_priced": ("step",),
}


def quantizers_with(parameter: str) -> frozenset[str]:
    """Quantizers that have a parameter, such as ``step``."""
    return frozenset(name for name, own in _PARAMETERS.items() if parameter in own)


#: Range of bits; for others those of a clipped grid, 1 to 8.
_BITS = {"none": (32, 32), "cast": (16, 16), "gguf": (1, 32)}


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
        wants = _PARAMETERS[self.quantizer]
        for name in ("bits", "step", "quantizer_seed"):
            if (getattr(self, name) is None) == (name in wants):
                verb = "needs" if name in wants else "has no"
                raise ValueError(f"the quantizer {self.quantizer!r} {verb} {name}")
        low, high = _BITS.get(self.quantizer, (1, 8))
        if self.bits is not None and not low <= self.bits <= high:
            raise ValueError(f"bits={self.bits} of {self.quantizer} must be in [{low}, {high}]")
        if self.group_size is not None and (self.group_size < 1 or "group_size" not in wants):
            raise ValueError(
                f"group_size={self.group_size} must be at least 1, of a quantizer that has groups"
            )
        if self.step is not None and not 0.0 < self.step < float("inf"):
            raise ValueError(f"step={self.step} must be positive")
        if self.step is not None:  # 1 and 1.0 are one setting, under one name
            object.__setattr__(self, "step", float(self.step))
        if self.quantizer_seed is not None and not 0 <= self.quantizer_seed < 2**63:
            raise ValueError(f"quantizer_seed={self.quantizer_seed} must be in [0, 2^63)")

    @property
    def columns(self) -> dict:
        """Column name -> value."""
        return asdict(self)

    @property
    def slug(self) -> str:
        """Short name for files, for example ``rtn-b4-g64``."""
        return schema.setting_slug(**self.columns)


#: The trained model itself, every tensor in float32.
UNQUANTIZED = Setting("none", bits=32)
