"""Settings with their names on the page: quantizers, and rates by their bits."""

import math
from dataclasses import asdict, dataclass

import schema


@dataclass(frozen=True)
class Quantizer:
    """A family of settings.

    Attributes:
        key: value of the column ``quantizer``.
        label: name in controls, links and legends.
        colour: the same on every page; after Paul Tol's bright palette, adjusted so that each is
            visible in light and dark and all differ for every kind of colour vision.
        shape: of its points, so that colour is not the only difference.
        idea: one sentence.
    """

    key: str
    label: str
    colour: str
    shape: str
    idea: str


QUANTIZERS = (
    Quantizer(
        "gptq",
        "GPTQ",
        "#476CAE",
        "circle",
        "Rounds the columns of a layer in order and adds the error of each to the columns that "
        "follow (Frantar et al. 2023).",
    ),
    Quantizer(
        "gptq_step",
        "Grid-step GPTQ",
        "#228833",
        "diamond",
        "GPTQ in act-order on an unclipped grid with one step per row, designed for entropy "
        "coding: frequent small codes cost few bits.",
    ),
    Quantizer(
        "watersic",
        "WaterSIC",
        "#D94CE6",
        "triangle-left",
        "Grid-step GPTQ with wider steps where the loss feels an error less: for columns by the "
        "layer's Hessian, for an embedding's rows by the frequency of the token.",
    ),
    Quantizer(
        "watersic_priced",
        "WaterSIC, priced",
        "#B23B00",
        "wedge",
        "WaterSIC with a step of its own for every matrix: the one with the least sum of loss and "
        "length, at a price for each bit.",
    ),
    Quantizer(
        "gptq_actorder",
        "GPTQ, act-order",
        "#2F9DC0",
        "square",
        "GPTQ that rounds the most important columns first.",
    ),
    Quantizer(
        "ldlq",
        "LDLQ",
        "#A3942A",
        "triangle-up",
        "The same rounding as GPTQ, computed through another factor (Chee et al. 2023).",
    ),
    Quantizer(
        "ldlq_rotated",
        "LDLQ, rotated",
        "#EA696C",
        "triangle-down",
        "LDLQ after a random rotation of inputs and outputs, which the decoder undoes.",
    ),
    Quantizer(
        "rtn",
        "Round to nearest",
        "#949396",
        "cross",
        "Rounds every weight separately to the nearest level.",
    ),
    Quantizer(
        "gguf",
        "GGUF file",
        "#AA22FF",
        "triangle-right",
        "The model's own file, already quantized by its author: all its bytes, and the model that "
        "they decode to.",
    ),
    Quantizer(
        "none",
        "Float formats",
        "#526967",
        "stroke",
        "No grid: every weight is a 32-bit float, as trained, or truncated to bfloat16.",
    ),
)

#: What stands in the place of a quantizer for the requential student, which no control of
#: quantizers offers: it is another model.
_STUDENT = Quantizer(
    "student",
    "Requential student",
    "#E27036",
    "arrow",
    "A model that learned from text that another one drew, and never saw the training text.",
)

#: Quantizers shown under the name of another.
_SHOWN_AS = {"cast": "none"}

_BY_KEY = {quantizer.key: quantizer for quantizer in (*QUANTIZERS, _STUDENT)}


@dataclass(frozen=True)
class Setting:
    """One way the models of a suite were quantized; None where a number does not apply."""

    quantizer: str
    bits: int | None = None
    group_size: int | None = None
    step: float | None = None
    quantizer_seed: int | None = None

    @property
    def family(self) -> Quantizer:
        """The family that the control shows for it."""
        return _BY_KEY[_SHOWN_AS.get(self.quantizer, self.quantizer)]

    @property
    def rate(self) -> str:
        """The setting within its quantizer, as links name it: ``4``, ``step 0.7``."""
        if self.step is not None:
            return f"{self.steps_are} {self.step:g}"
        return f"{self.bits}{self._groups}"

    @property
    def steps_are(self) -> str:
        """What the column ``step`` holds."""
        return "price" if self.quantizer == "watersic_priced" else "step"

    @property
    def rate_text(self) -> str:
        """For example ``4 bits``, ``16 bits (bfloat16)``, ``step 0.7``."""
        if self.step is not None:
            return self.rate
        formats = {"none": " (float32)", "cast": " (bfloat16)"}
        return f"{self.bits} bits{formats.get(self.quantizer, '')}{self._groups}"

    @property
    def _groups(self) -> str:
        groups = f", groups of {self.group_size}" if self.group_size else ""
        return f"{groups}, seed {self.quantizer_seed}" if self.quantizer_seed else groups

    @property
    def label(self) -> str:
        """For example ``GPTQ, 4 bits``; a float format has no quantizer name."""
        if self.family.key == "none":
            return self.rate_text
        if self.family == _STUDENT:
            return self.family.label.lower()
        return f"{self.family.label}, {self.rate_text}"

    @property
    def slug(self) -> str:
        """For file names, and for ``python -m compute export``: ``gptq-b4``."""
        return schema.setting_slug(**asdict(self))


UNQUANTIZED = Setting("none", 32)

#: The requential student in the place of a quantized model.
STUDENT = Setting(_STUDENT.key)

#: Selects the rows of one setting; its five values follow in the order of the schema.
AT_SETTING = (
    "quantizer = ? AND bits IS NOT DISTINCT FROM ? AND group_size IS NOT DISTINCT FROM ? "
    "AND step IS NOT DISTINCT FROM ? AND quantizer_seed IS NOT DISTINCT FROM ?"
)


def columns_of(setting: Setting) -> list:
    """Values of ``schema.SETTING_FIELDS``, in their order."""
    values = asdict(setting)
    return [values[field.name] for field in schema.SETTING_FIELDS]


def setting_of(row: dict) -> Setting:
    """The setting in a row of any table; pandas represents a missing number as NaN."""
    kinds = {"bits": int, "group_size": int, "step": float, "quantizer_seed": int}
    found = {
        key: kind(row[key])
        for key, kind in kinds.items()
        if row[key] is not None and not math.isnan(row[key])
    }
    return Setting(row["quantizer"], **found)
